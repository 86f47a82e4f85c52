"""Handlers of messages about tariffs, costs and payments."""
