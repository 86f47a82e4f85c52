"""Charging profiles: read from the API, checked by rules before sending, and kept once installed."""
