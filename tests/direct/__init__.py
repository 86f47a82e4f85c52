"""Stations without sockets: real frames, handlers, journal and live state, in milliseconds."""
