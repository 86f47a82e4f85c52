"""What crosses apps: protocol, flows, conformance, chaos, fuzz, load and browser."""
