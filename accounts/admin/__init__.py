"""Admin pages of people, contracts, tokens, operators, API keys and the audit log, one module for each."""

from accounts.admin import audit, cards, contracts, keys, menu, operators, people, tokens

__all__ = ["audit", "cards", "contracts", "keys", "menu", "operators", "people", "tokens"]
