"""The admin of aggregates. `menu` registers its entries."""

from aggregates.admin import hours, maintenance, menu

__all__ = ["hours", "maintenance", "menu"]
