"""DER controls and faults of the grid in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter
from smart_charging.models import DerAlarm, DerControl


@admin.register(DerControl)
class DerControlAdmin(EvidenceAdmin):
    json_fields = ("settings",)
    list_display = [
        "control_id", "station", "control_type", "is_default", "priority", "state_label", "is_running",
        "updated_at",
    ]  # fmt: skip
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("updated_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["control_id", "control_type"]
    exact_search = ("control_id", "control_type", "charge_point")
    search_help_text = _("Search by control ID, type or station")
    sortable_by = ["updated_at"]
    ordering = ["-updated_at"]
    empty_sentence = _("No DER controls yet. Set one on a station's page.")

    @display(description=_("State"), label=tones.DER_CONTROL)
    def state_label(self, control: DerControl) -> tuple[str, str]:
        return control.state, control.get_state_display()


@admin.register(DerAlarm)
class DerAlarmAdmin(EvidenceAdmin):
    list_display = ["control_type", "station", "fault", "state_label", "opened_at", "ended_at"]
    list_filter = [StationFilter, ("updated_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["control_type", "fault"]
    exact_search = ("control_type", "fault", "charge_point")
    search_help_text = _("Search by type, fault or station")
    sortable_by = ["opened_at"]
    ordering = ["-updated_at"]
    empty_sentence = _("No station has reported a fault of the grid.")

    @display(description=_("State"), label=tones.GRID_FAULT)
    def state_label(self, alarm: DerAlarm) -> tuple[str, str]:
        return ("open", gettext("Open")) if alarm.is_open else ("ended", gettext("Ended"))
