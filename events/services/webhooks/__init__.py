"""Webhooks: endpoints, signatures, and the sender that delivers events at least once."""
