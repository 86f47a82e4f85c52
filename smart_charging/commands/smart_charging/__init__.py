"""Commands about charging profiles."""
