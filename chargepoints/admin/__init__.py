"""Stations, sites, connectors, commands and their evidence in the admin; one module a noun."""

from chargepoints.admin import (
    cards,
    commands,
    connectors,
    evidence,
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
    "cards",
    "commands",
    "connectors",
    "evidence",
    "follow_ups",
    "logs",
    "menu",
    "messages",
    "notes",
    "refused_connections",
    "sites",
    "stations",
]
