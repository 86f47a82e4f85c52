"""Charging plans of sessions in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin, session_link
from ocpp_server.admin.filters import MomentFilter, StationFilter
from smart_charging.models import ChargingPlan


@admin.register(ChargingPlan)
class ChargingPlanAdmin(EvidenceAdmin):
    json_fields = ("needs", "vehicle_schedule", "allowed_transfers")
    list_display = [
        "session", "station", "energy_transfer", "energy_wh", "departure_at", "answer_label",
        "is_within_limits", "has_priority", "updated_at",
    ]  # fmt: skip
    list_filter = [
        StationFilter, ("answer", ChoicesDropdownFilter), "has_priority", ("updated_at", MomentFilter)
    ]  # fmt: skip
    list_select_related = ["charge_point"]
    search_fields = ["energy_transfer"]
    exact_search = ("energy_transfer", "charge_point")
    search_help_text = _("Search by energy transfer or station")
    sortable_by = ["updated_at"]
    ordering = ["-updated_at"]
    empty_sentence = _("No vehicle has sent its needs yet.")

    @admin.display(description=_("Session"))
    def session(self, plan: ChargingPlan) -> str:
        return session_link(plan.transaction_id)

    @display(description=_("Answer"), label=tones.PLAN)
    def answer_label(self, plan: ChargingPlan) -> tuple[str, str]:
        return plan.answer, plan.get_answer_display()
