"""Stations: identity, connection, connectors, commands, the message log."""
