"""Bounds for HTTP clients: the size of a body, the time to send it, requests and connections at once, the
size of an answer.

This package imports `observability` and uses the port `Credentials`; `api` and `process` import it.
"""
