"""Bounds for HTTP clients: the size of a body, the time to send it, requests and connections at once.

It stands on `observability` and asks the port `Credentials`; `api` and `process` stand above it.
"""
