"""Payments in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin, session_link
from ocpp_server.admin.filters import StationFilter
from tariffs.models import Payment
from tariffs.services.tariff import amounts


@admin.register(Payment)
class PaymentAdmin(EvidenceAdmin):
    json_fields = ("company",)
    list_display = ["psp_ref", "station", "session", "status_label", "shown_amount", "settled_at"]
    list_filter = [StationFilter, ("status", ChoicesDropdownFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["psp_ref"]
    exact_search = ("psp_ref", "charge_point")
    search_help_text = _("Search by payment reference or station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No payments yet. Stations of OCPP 2.1 with a payment terminal report them.")

    @admin.display(description=_("Session"))
    def session(self, row: Payment) -> str:
        return session_link(row.transaction_id)

    @admin.display(description=_("Amount"))
    def shown_amount(self, row: Payment) -> str:
        return amounts.text(row.amount) or "–"

    @display(description=_("Status"), label=tones.PAYMENT)
    def status_label(self, row: Payment) -> tuple[str, str]:
        return row.status, row.get_status_display()
