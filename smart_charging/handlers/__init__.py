"""Handlers of messages about charging profiles and grid support."""
