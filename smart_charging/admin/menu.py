"""The menu entry of charging profiles."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.DETAILS, 17, _("Charging profiles"), "stacked_line_chart", "smart_charging_installedprofile")
