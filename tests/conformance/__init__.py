"""The catalogue of conformance and fault cases, with a server process, real sockets and its database."""
