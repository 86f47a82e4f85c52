"""External limits in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter
from smart_charging.models import ExternalLimit


@admin.register(ExternalLimit)
class ExternalLimitAdmin(EvidenceAdmin):
    json_fields = ("schedules",)
    list_display = ["source", "station", "place", "state_label", "is_grid_critical", "set_at", "cleared_at"]
    list_filter = [StationFilter, "is_grid_critical", ("set_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["source"]
    exact_search = ("source", "charge_point")
    search_help_text = _("Search by source or station")
    sortable_by = ["set_at"]
    ordering = ["-set_at"]
    empty_sentence = _("No station has reported a limit of someone else.")

    @admin.display(description=_("EVSE"))
    def place(self, limit: ExternalLimit) -> str:
        return str(limit.evse_number or gettext("Whole station"))

    @display(description=_("State"), label=tones.LIMIT)
    def state_label(self, limit: ExternalLimit) -> tuple[str, str]:
        return ("set", gettext("In force")) if limit.is_in_force else ("cleared", gettext("Released"))
