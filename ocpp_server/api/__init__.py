"""The common parts of every REST endpoint: envelope, errors, credentials, roles, lists, idempotency, OpenAPI.

This package imports no app: `accounts` fills the ports of credentials and idempotent requests, and apps add
fields to lists by row extensions. It imports `bounds`, `live`, `observability`, `protocol` and `storage`;
`process` imports it.
"""
