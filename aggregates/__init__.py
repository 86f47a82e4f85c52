"""Aggregates: energy, sessions, utilisation and uptime by the hour, and maintenance windows."""
