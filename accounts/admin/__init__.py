"""Admin pages of people, contracts, tokens, operators and API keys, one module for each."""

from accounts.admin import cards, contracts, keys, menu, operators, people, tokens

__all__ = ["cards", "contracts", "keys", "menu", "operators", "people", "tokens"]
