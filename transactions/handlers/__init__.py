"""Handlers of messages about charging."""
