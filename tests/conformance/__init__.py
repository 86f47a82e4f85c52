"""The catalogue of conformance and fault cases, on the wire: a server process, sockets, its database."""
