"""The admin of alerts. `menu` registers its entries."""

from alerts.admin import alerts, cards, menu, rules

__all__ = ["alerts", "cards", "menu", "rules"]
