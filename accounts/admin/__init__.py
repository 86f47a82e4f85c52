"""People, contracts, tokens, operators and API keys in the admin; one module a noun."""

from accounts.admin import contracts, keys, operators, people, tokens

__all__ = ["contracts", "keys", "operators", "people", "tokens"]
