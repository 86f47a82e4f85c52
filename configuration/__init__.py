"""What a station is told to be: configuration keys, stored and reported."""
