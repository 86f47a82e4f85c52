"""Admin pages of people, contracts, tokens, operators and API keys, one module for each."""

from accounts.admin import contracts, keys, operators, people, tokens

__all__ = ["contracts", "keys", "operators", "people", "tokens"]
