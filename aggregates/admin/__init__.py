"""The admin of aggregates. `menu` registers its entries."""

from aggregates.admin import maintenance, menu

__all__ = ["maintenance", "menu"]
