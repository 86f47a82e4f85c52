"""Clients of the REST API, generated from the OpenAPI document: Python and TypeScript."""
