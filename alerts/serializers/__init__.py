"""Serializers of alerts (fields in camelCase)."""
