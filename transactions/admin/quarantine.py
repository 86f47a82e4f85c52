"""The inbox of messages that could not be applied, with a button that marks one as resolved."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import access
from ocpp_server.admin.base import EvidenceAdmin, back, session_link
from ocpp_server.admin.filters import StationFilter
from ocpp_server.rights import Right
from transactions.models import QuarantinedMessage
from transactions.services.transactions import quarantine


@admin.register(QuarantinedMessage)
class QuarantinedMessageAdmin(EvidenceAdmin):
    right = Right.SESSIONS
    json_fields = ("payload",)
    list_display = ["action", "station", "session", "reason_label", "detail", "received_at", "resolved_at"]
    list_filter = [
        StationFilter,
        ("reason", ChoicesDropdownFilter),
        ("resolved_at", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["charge_point"]
    search_fields = ["charge_point__identity_key"]
    exact_search = ("charge_point", "transaction_id")
    search_help_text = _("Search by station or session number")
    sortable_by = ["received_at"]
    change_form_template = "operator/quarantined.html"
    empty_sentence = _("No message needs attention.")

    def get_urls(self) -> list[Any]:
        resolve = path(
            "<int:pk>/resolve/",
            self.admin_site.admin_view(require_POST(self.resolve)),
            name="quarantine-resolve",
        )
        return [resolve, *super().get_urls()]

    def resolve(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Mark the message as resolved. The row stays."""
        access.require(request.user, self.right)
        message = get_object_or_404(QuarantinedMessage, pk=pk)
        quarantine.mark_resolved(message)
        messages.success(request, gettext("Marked as resolved. The message stays in the log."))
        return redirect(back(request, "admin:transactions_quarantinedmessage_changelist"))

    @admin.display(description=_("Session"))
    def session(self, message: QuarantinedMessage) -> str:
        return session_link(message.transaction_id)

    @display(description=_("Reason"), label=True)
    def reason_label(self, message: QuarantinedMessage) -> str:
        return message.get_reason_display()
