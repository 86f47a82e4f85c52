"""The menu entries of smart charging."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.DETAILS, 17, _("Charging profiles"), "stacked_line_chart", "smart_charging_installedprofile")
menu.model(menu.DETAILS, 18, _("External limits"), "speed_camera", "smart_charging_externallimit")
menu.model(menu.DETAILS, 19, _("Charging plans"), "electric_car", "smart_charging_chargingplan")
menu.model(menu.DETAILS, 90, _("DER controls"), "tune", "smart_charging_dercontrol")
menu.model(menu.DETAILS, 91, _("Grid faults"), "electric_bolt", "smart_charging_deralarm")
