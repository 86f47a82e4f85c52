"""The engine and the wiring: protocol, journal, live state, settings and API plumbing."""
