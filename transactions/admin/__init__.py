"""Sessions, readings, access rules and refusals in the admin."""

from transactions.admin import sessions

__all__ = ["sessions"]
