"""Handlers of the messages of a station about itself."""
