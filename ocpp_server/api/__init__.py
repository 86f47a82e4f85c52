"""The REST kit: the envelope, errors, credentials, roles, lists, idempotency and documents of every endpoint.

It imports no app: `accounts` fills the ports of credentials and idempotent requests, apps add fields to lists
by row extensions. It stands on `bounds`, `live`, `observability`, `protocol` and `storage`; `process` stands
above it.
"""
