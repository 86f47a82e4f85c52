"""Transaction events of OCPP 2.x in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from ocpp_server.admin.base import EvidenceAdmin, session_link
from transactions.models import TransactionEvent


@admin.register(TransactionEvent)
class TransactionEventAdmin(EvidenceAdmin):
    json_fields = ("payload",)
    fields = (
        "transaction",
        "seq_no",
        "type",
        "trigger_reason",
        "charging_state",
        "fingerprint",
        "offline",
        "payload",
        "at",
        "received_at",
    )
    list_display = ["type", "session", "seq_no", "trigger_reason", "charging_state", "offline", "at"]
    list_filter = ["offline"]
    search_fields = ["transaction__id"]
    exact_search = ("transaction_id", "transaction__ocpp_id")
    search_help_text = _("Search by session number or 2.x transaction id")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No events yet. OCPP 2.x stations report sessions as events; 1.6 stations do not.")

    @admin.display(description=_("Session"))
    def session(self, event: TransactionEvent) -> str:
        return session_link(event.transaction_id)
