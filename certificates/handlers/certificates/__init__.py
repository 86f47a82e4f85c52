"""Messages about certificates."""
