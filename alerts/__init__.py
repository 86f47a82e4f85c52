"""Alerts: rules about stations and the server, alerts that they open, and the notices about those."""
