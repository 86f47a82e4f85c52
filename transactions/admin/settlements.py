"""Decisions of operators about sessions, in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import cells, tones
from ocpp_server.admin.base import EvidenceAdmin, session_link
from transactions.models import Settlement


@admin.register(Settlement)
class SettlementAdmin(EvidenceAdmin):
    json_fields = ("before", "after")
    list_display = ["fix_label", "session", "actor", "reason", "energy", "created_at"]
    list_filter = [("fix", ChoicesDropdownFilter)]
    search_fields = ["transaction__id"]
    exact_search = ("transaction_id",)
    search_help_text = _("Search by session number")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No settlements yet. A session that an operator ends or settles appears here.")

    @display(description=_("Fix"), label=tones.FIX)
    def fix_label(self, settlement: Settlement) -> tuple[str, str]:
        return settlement.fix, settlement.get_fix_display()

    @admin.display(description=_("Session"))
    def session(self, settlement: Settlement) -> str:
        return session_link(settlement.transaction_id)

    @admin.display(description=_("Energy"))
    def energy(self, settlement: Settlement) -> str:
        before, after = settlement.before.get("energy_wh"), settlement.after.get("energy_wh")
        words = cells.kilowatt_hours(before)
        return words if before == after else f"{words} → {cells.kilowatt_hours(after)}"
