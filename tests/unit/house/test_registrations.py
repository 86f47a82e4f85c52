"""Registrations of apps with the engine: the order of the menu, and the error when two claim one place."""

from __future__ import annotations

import pytest
from django.http import HttpRequest

from ocpp_server.admin import cards, menu, pages
from ocpp_server.admin.cards import Cards
from ocpp_server.admin.pages import Pages
from ocpp_server.api import extensions

MENU = {
    "": ["Dashboard", "Stations", "Sessions", "Campaigns", "Firmware", "Maintenance windows"],
    "Who may charge": [
        "People", "Contracts", "Tokens", "Token groups", "Sites", "Access rules", "Refused tokens",
        "Reservations",
    ],
    "Inboxes": [
        "Alerts", "Refused connections", "Signing requests", "Unknown tokens", "Quarantined messages",
    ],
    "Logs": [
        "Messages", "Commands", "Settlements", "Payments", "Web payments", "Remote starts",
        "Station logs", "Firmware updates", "Firmware downloads", "Battery swaps", "Deviations",
        "Security profiles", "Security events", "Issued certificates", "Device events", "Reports",
        "Follow-ups", "Alert notices", "Outages", "Events", "Webhook deliveries",
    ],
    "Details": [
        "Connectors",
        "Display messages",
        "Published firmware",
        "Notes",
        "Charging profiles",
        "External limits",
        "Charging plans",
        "Meter values",
        "Station tariffs",
        "Session costs",
        "Keys of QR codes",
        "Stored keys",
        "Reported keys",
        "Local lists",
        "Desired values",
        "Templates",
        "Monitors",
        "Event streams",
        "Network profiles",
        "DER controls",
        "Grid faults",
        "Expiring certificates",
        "Trusted roots",
        "Installed certificates",
        "Root sets",
        "Revoked certificates",
        "Revocation lists",
        "CAs",
        "CA requests",
        "Alert rules",
        "Alert statistics",
        "Hours of connectors",
        "Hours of contracts",
    ],
    "Access": ["Operators", "API keys", "API key requests", "Webhooks", "Alert recipients", "Audit log"],
    "Developer": ["EVSEs", "Transaction events", "Counters", "Idempotent requests"],
}  # fmt: skip


def test_the_apps_entries_are_in_the_order_of_the_menu() -> None:
    groups = menu.navigation(HttpRequest())

    shown = {str(group.get("title", "")): [str(item["title"]) for item in group["items"]] for group in groups}

    assert shown == MENU
    assert list(shown) == list(MENU)


def test_two_registrations_for_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="accounts_person"):
        menu.model(menu.CHARGING, 10, "Another", "person", "accounts_token")
    with pytest.raises(ValueError, match="has pages already"):
        pages.register("accounts.Person", Pages())
    with pytest.raises(ValueError, match="cards named accounts"):
        cards.register("accounts", lambda now, provides: Cards())
    (known,) = extensions.of("connectors")
    with pytest.raises(ValueError, match="transaction"):
        extensions.extend("connectors", known)
