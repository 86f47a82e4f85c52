"""What a station is: identity, connection, connectors, commands, the message log."""
