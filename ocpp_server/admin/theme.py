"""Unfold's settings: names, colours and the menu."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

# By name: settings are read before there are models, which the rule needs.
ADMINISTRATORS = "ocpp_server.admin.access.request_may_provide"


def _item(title: str, icon: str, name: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(name), **more}


def _list(title: str, icon: str, model: str, **more: Any) -> dict[str, Any]:
    return _item(title, icon, f"admin:{model}_changelist", **more)


def _stylesheet(request: HttpRequest) -> str:
    return static("operator/operator.css")


def _icon(request: HttpRequest) -> str:
    return static("operator/icon.svg")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "OCPP server",
    "SITE_HEADER": "OCPP server",
    "SITE_SUBHEADER": "Charging stations",
    "SITE_SYMBOL": "ev_station",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "DASHBOARD_CALLBACK": "operations.dashboard.callback",
    "STYLES": [_stylesheet],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.7)",
            "100": "oklch(95.3% .051 180.8)",
            "200": "oklch(91% .096 180.4)",
            "300": "oklch(85.5% .138 181.1)",
            "400": "oklch(77.7% .152 181.9)",
            "500": "oklch(70.4% .14 182.5)",
            "600": "oklch(51.1% .096 186.4)",
            "700": "oklch(43.7% .078 188.2)",
            "800": "oklch(38.6% .063 188.4)",
            "900": "oklch(33% .055 189)",
            "950": "oklch(27.7% .046 192.5)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    _item("Dashboard", "dashboard", "admin:index"),
                    _list("Charge points", "ev_station", "chargepoints_chargepoint"),
                    _list("Sessions", "bolt", "transactions_transaction"),
                ],
            },
            {
                "title": "Who may charge",
                "separator": True,
                "items": [
                    _list("People", "person", "accounts_person"),
                    _list("Contracts", "contract", "accounts_contract"),
                    _list("Tokens", "badge", "accounts_token"),
                    _list("Token groups", "group_work", "accounts_tokengroup"),
                    _list("Sites", "location_on", "chargepoints_site"),
                    _list("Access rules", "rule_settings", "transactions_accessrule"),
                    _list("Refusals", "do_not_disturb_on", "transactions_refusal"),
                ],
            },
            {
                "title": "Inboxes",
                "separator": True,
                "items": [
                    _list("Refused connections", "block", "chargepoints_refusedconnection"),
                    _list("Unknown tokens", "contactless", "accounts_unknowntoken"),
                    _list("Quarantined messages", "report", "transactions_quarantinedmessage"),
                ],
            },
            {
                "title": "Logs",
                "separator": True,
                "items": [
                    _list("Messages", "sync_alt", "chargepoints_message"),
                    _list("Commands", "send", "chargepoints_command"),
                    _list("Settlements", "gavel", "transactions_settlement"),
                    _list("Remote starts", "play_circle", "transactions_remotestart"),
                    _list("Deviations", "rule", "chargepoints_deviation"),
                    _list("Security events", "shield", "chargepoints_securityevent"),
                    _list("Device events", "sensors", "chargepoints_deviceevent"),
                ],
            },
            {
                "title": "Details",
                "separator": True,
                "collapsible": True,
                "items": [
                    _list("Connectors", "power", "chargepoints_connector"),
                    _list("EVSEs", "local_parking", "chargepoints_evse"),
                    _list("Meter values", "speed", "transactions_metervalue"),
                    _list("Transaction events", "timeline", "transactions_transactionevent"),
                    _list("Stored keys", "key_vertical", "configuration_storedkey"),
                    _list("Reported keys", "fact_check", "configuration_reportedkey"),
                    _list("Counters", "pin", "transactions_counter"),
                ],
            },
            {
                "title": "Access",
                "separator": True,
                "items": [
                    _list("Operators", "group", "accounts_user", permission=ADMINISTRATORS),
                    _list("API keys", "key", "accounts_apikey", permission=ADMINISTRATORS),
                    _list(
                        "Idempotent requests",
                        "repeat_one",
                        "accounts_idempotentrequest",
                        permission=ADMINISTRATORS,
                    ),
                ],
            },
        ],
    },
}
