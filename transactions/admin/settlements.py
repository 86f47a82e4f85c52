"""Decisions of operators about sessions, in the admin."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import cells, tones
from ocpp_server.admin.base import EvidenceAdmin, session_link
from transactions.models import (
    Settlement,
)


@admin.register(Settlement)
class SettlementAdmin(EvidenceAdmin):
    json_fields = ("before", "after")
    list_display = ["fix_label", "session", "actor", "reason", "energy", "created_at"]
    list_filter = [("fix", ChoicesDropdownFilter)]
    search_fields = ["transaction__id"]
    exact_search = ("transaction_id",)
    search_help_text = "A session's number."
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = "No session was ended or settled by an operator yet."

    @display(description="Fix", label=tones.FIX)
    def fix_label(self, settlement: Settlement) -> tuple[str, str]:
        return settlement.fix, settlement.get_fix_display()

    @admin.display(description="Session")
    def session(self, settlement: Settlement) -> str:
        return session_link(settlement.transaction_id)

    @admin.display(description="Energy")
    def energy(self, settlement: Settlement) -> str:
        before, after = settlement.before.get("energy_wh"), settlement.after.get("energy_wh")
        words = cells.kilowatt_hours(before)
        return words if before == after else f"{words} → {cells.kilowatt_hours(after)}"
