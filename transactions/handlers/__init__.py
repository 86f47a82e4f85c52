"""What stations say about charging."""
