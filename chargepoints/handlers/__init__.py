"""What stations say about themselves."""
