"""The server is killed or loses its database while stations charge. No acknowledged message may be lost."""
