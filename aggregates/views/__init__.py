"""Aggregates and maintenance windows over REST."""
