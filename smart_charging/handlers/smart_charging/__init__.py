"""Handlers of the block smart_charging."""
