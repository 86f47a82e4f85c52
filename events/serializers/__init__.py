"""Serializers of events and webhooks."""
