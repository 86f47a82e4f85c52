"""Stations, sites, connectors, commands and their evidence in the admin; one module a noun."""

from chargepoints.admin import (
    campaigns,
    cards,
    commands,
    connectors,
    evidence,
    firmware,
    firmware_updates,
    follow_ups,
    logs,
    menu,
    messages,
    notes,
    refused_connections,
    sites,
    stations,
)

__all__ = [
    "campaigns",
    "cards",
    "commands",
    "connectors",
    "evidence",
    "firmware",
    "firmware_updates",
    "follow_ups",
    "logs",
    "menu",
    "messages",
    "notes",
    "refused_connections",
    "sites",
    "stations",
]
