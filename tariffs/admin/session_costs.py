"""Costs of sessions in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from ocpp_server.admin.base import EvidenceAdmin, session_link
from ocpp_server.admin.filters import StationFilter
from tariffs.models import SessionCost
from tariffs.services.tariff import amounts


@admin.register(SessionCost)
class SessionCostAdmin(EvidenceAdmin):
    json_fields = ("details", "new_tariff")
    list_display = ["session", "station", "total", "is_final", "sent", "tariff_id", "updated_at"]
    list_filter = [StationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["tariff_id"]
    exact_search = ("charge_point",)
    search_help_text = _("Search by station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-transaction"]
    empty_sentence = _("No costs yet. Stations of OCPP 2.1 report them when they have a tariff.")

    @admin.display(description=_("Session"))
    def session(self, row: SessionCost) -> str:
        return session_link(row.transaction_id)

    @admin.display(description=_("Reported cost"))
    def total(self, row: SessionCost) -> str:
        shown = amounts.text(row.total_incl_tax if row.total_incl_tax is not None else row.total_excl_tax)
        return "–" if shown is None else f"{shown} {row.currency}"

    @admin.display(description=_("Sent cost"))
    def sent(self, row: SessionCost) -> str:
        return amounts.text(row.sent_cost) or "–"
