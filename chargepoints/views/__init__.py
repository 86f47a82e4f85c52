"""Stations over REST: what they are, what they said, and what they are told."""
