"""Deviations, security events and device events in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chargepoints.models import Deviation, DeviceEvent, SecurityEvent
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter


@admin.register(Deviation)
class DeviationAdmin(EvidenceAdmin):
    json_fields = ("example",)
    list_display = ["kind", "station", "action", "path", "detail", "count", "last_at"]
    list_filter = [StationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["kind"]
    exact_search = ("kind", "action", "charge_point")
    search_help_text = _("Search by kind, action or station")
    sortable_by = ["last_at"]
    empty_sentence = _("No deviations yet. All stations follow the specification.")


@admin.register(SecurityEvent)
class SecurityEventAdmin(EvidenceAdmin):
    list_display = ["type", "criticality", "station", "tech_info", "source", "at", "received_at"]
    list_filter = [StationFilter, "is_critical", "from_station", ("received_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["type"]
    exact_search = ("type", "charge_point")
    search_help_text = _("Search by type or station")
    sortable_by = ["received_at"]
    empty_sentence = _("No security events yet.")

    @display(description=_("Critical"), label={"critical": tones.DANGER})
    def criticality(self, event: SecurityEvent) -> tuple[str, str]:
        return ("critical", gettext("critical")) if event.is_critical else ("", "–")

    @display(description=_("Reported by"), label={"station": tones.INFO, "server": tones.WARNING})
    def source(self, event: SecurityEvent) -> tuple[str, str]:
        return ("station", gettext("station")) if event.from_station else ("server", gettext("this server"))


@admin.register(DeviceEvent)
class DeviceEventAdmin(EvidenceAdmin):
    list_display = [
        "component",
        "variable",
        "actual_value",
        "station",
        "evse_number",
        "trigger",
        "severity",
        "is_cleared",
        "at",
    ]
    list_filter = [StationFilter, "is_cleared", ("received_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["component"]
    exact_search = ("component", "variable", "charge_point")
    search_help_text = _("Search by component, variable or station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-received_at"]
    empty_sentence = _("No device events yet. OCPP 2.x stations report their components here (NotifyEvent).")
