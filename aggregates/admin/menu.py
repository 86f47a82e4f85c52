"""The menu entries of aggregates."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.OVERVIEW, 60, _("Maintenance windows"), "construction", "aggregates_maintenancewindow")
menu.model(menu.LOGS, 96, _("Outages"), "power_off", "aggregates_outage")
menu.model(menu.DETAILS, 200, _("Hours of connectors"), "schedule", "aggregates_connectorhour")
menu.model(menu.DETAILS, 202, _("Hours of contracts"), "schedule", "aggregates_contracthour")
