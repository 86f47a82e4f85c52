"""Filters of events and webhooks."""
