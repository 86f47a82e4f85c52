"""The admin of smart charging. `menu` registers its entries."""

from smart_charging.admin import charging_plans, der, external_limits, installed_profiles, menu

__all__ = ["charging_plans", "der", "external_limits", "installed_profiles", "menu"]
