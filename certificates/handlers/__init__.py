"""Handlers of messages about certificates."""
