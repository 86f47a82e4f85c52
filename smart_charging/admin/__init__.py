"""The admin of charging profiles. `menu` registers its entries."""

from smart_charging.admin import installed_profiles, menu

__all__ = ["installed_profiles", "menu"]
