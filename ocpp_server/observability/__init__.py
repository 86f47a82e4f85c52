"""Structured logs, metrics and health, for operators who monitor the server."""
