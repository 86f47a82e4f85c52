"""Changes the code in small ways and checks that a test notices each change."""
