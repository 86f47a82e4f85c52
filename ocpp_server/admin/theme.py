"""Unfold's settings: names, colours and the menu."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _


def _stylesheet(request: HttpRequest) -> str:
    return static("operator/operator.css")


def _icon(request: HttpRequest) -> str:
    return static("operator/icon.svg")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("OCPP server"),
    "SITE_HEADER": _("OCPP server"),
    "SITE_SUBHEADER": _("Charging stations"),
    "SITE_SYMBOL": "ev_station",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
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
        "navigation": "ocpp_server.admin.menu.navigation",
    },
}
