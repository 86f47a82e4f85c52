"""OCPP as pure Python: frames, errors, schemas, the action table and one station's conversation.

The package imports neither Django nor Redis nor an app, so all of it can be tested without a server.
"""
