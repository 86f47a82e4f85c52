"""The admin of alerts. `menu` registers its entries."""

from alerts.admin import alerts, cards, menu, recipients, rules, statistics

__all__ = ["alerts", "cards", "menu", "recipients", "rules", "statistics"]
