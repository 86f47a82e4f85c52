"""Structured logs, metrics and health, for operators who watch the server."""
