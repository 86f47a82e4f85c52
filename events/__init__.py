"""The outbox: events are stored with the change they belong to, numbered after it, and read in order."""
