"""The configuration of stations: keys and variables, stored and reported."""
