"""Handlers of messages about the configuration of stations."""
