"""The catalogue of conformance and fault cases, on the wire: a server process, sockets, and what the database holds."""
