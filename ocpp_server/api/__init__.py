"""What every REST endpoint shares: the envelope, errors, credentials, roles, lists, idempotency and
documents.
"""
