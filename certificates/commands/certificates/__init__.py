"""Commands about the certificates of a station."""
