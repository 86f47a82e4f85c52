"""The menu entries of aggregates."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.OVERVIEW, 60, _("Maintenance windows"), "construction", "aggregates_maintenancewindow")
