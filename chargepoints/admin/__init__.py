"""Stations, connectors, commands and their evidence in the admin."""

from chargepoints.admin import stations

__all__ = ["stations"]
