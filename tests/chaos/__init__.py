"""The server is killed, its database taken away, while stations charge: nothing acknowledged may be lost."""
