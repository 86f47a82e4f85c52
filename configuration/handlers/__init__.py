"""What stations say and ask about their configuration."""
