"""OCPP as pure Python: frames, errors, schemas, the action table and one station's conversation.

Nothing here knows Django, Redis or an app, so that everything can be tried without a server.
"""
