"""The charging profiles of stations."""

from smart_charging.models.installed_profile import InstalledProfile

__all__ = ["InstalledProfile"]
