"""Charging profiles, limits and plans of stations, and their controls of energy resources."""

from smart_charging.models.charging_plan import ChargingPlan
from smart_charging.models.der import DerAlarm, DerControl
from smart_charging.models.external_limit import ExternalLimit
from smart_charging.models.installed_profile import InstalledProfile

__all__ = ["ChargingPlan", "DerAlarm", "DerControl", "ExternalLimit", "InstalledProfile"]
