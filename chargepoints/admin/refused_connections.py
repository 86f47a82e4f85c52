"""The inbox of refused handshakes, with a button that accepts an unknown station."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from chargepoints.models import RefusedConnection
from chargepoints.services.provisioning import refused_connections
from ocpp_server.admin import access
from ocpp_server.admin.base import EvidenceAdmin, back, post_button
from ocpp_server.admin.filters import MomentFilter
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right


@admin.register(RefusedConnection)
class RefusedConnectionAdmin(EvidenceAdmin):
    right = Right.STATIONS
    list_display = [
        "identity_or_path",
        "reason",
        "code",
        "remote_address",
        "subprotocols",
        "count",
        "at",
        "row_actions",
    ]
    list_filter = ["can_be_accepted", ("at", MomentFilter)]
    search_fields = ["identity"]
    exact_search = ("identity", "remote_address")
    search_help_text = _("Search by identity or address")
    sortable_by = ["at"]
    ordering = ["-at"]
    empty_sentence = _("No refused connections yet. A refused handshake appears here with its reason.")

    def get_urls(self) -> list[Any]:
        accept = path(
            "<int:pk>/accept/", self.admin_site.admin_view(require_POST(self.accept)), name="refused-accept"
        )
        return [accept, *super().get_urls()]

    @admin.display(description=_("Identity"))
    def identity_or_path(self, refused: RefusedConnection) -> str:
        return refused.identity or refused.path or gettext("TLS handshake")

    @admin.display(description=_("Actions"))
    def row_actions(self, refused: RefusedConnection) -> str:
        if not (refused.can_be_accepted and refused.identity):
            return "–"
        return post_button(reverse("admin:refused-accept", args=[refused.pk]), gettext("Accept"))

    def accept(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make the unknown identity a station. It reconnects by itself and is admitted."""
        access.require(request.user, self.right)
        refused = get_object_or_404(RefusedConnection, pk=pk, can_be_accepted=True)
        try:
            refused_connections.accept(refused, actor=request.user.get_username())
        except DomainError as error:
            messages.error(request, error.sentence)
        else:
            sentence = gettext("Station %(identity)s accepted. It can connect at its next attempt.")
            messages.success(request, sentence % {"identity": refused.identity})
        return redirect(back(request, "admin:chargepoints_refusedconnection_changelist"))
