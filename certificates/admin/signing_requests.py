"""Signing requests in the admin: approved or rejected from the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from certificates.models import SigningRequest
from certificates.services.certificates import requesting
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right


@admin.register(SigningRequest)
class SigningRequestAdmin(EvidenceAdmin):
    actions = ["approve_selected", "reject_selected"]
    list_display = ["__str__", "station", "common_name", "state_label", "reason", "approved_by", "created_at"]
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("created_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["common_name"]
    exact_search = ("pk", "charge_point", "common_name")
    search_help_text = _("Search by number, station or common name")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No signing requests yet. Ask a station for one with Renew certificate.")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Django looks for it by the name of the actions' permission."""
        return access.may(request.user, Right.CERTIFICATES)

    @display(description=_("State"), label=tones.SIGNING_REQUEST)
    def state_label(self, row: SigningRequest) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.action(description=_("Approve the selected requests"), permissions=["decide"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[SigningRequest]) -> None:
        done = decided(request, queryset, requesting.approve)
        messages.success(request, gettext("%(count)s requests approved.") % {"count": done})

    @admin.action(description=_("Reject the selected requests"), permissions=["decide"])
    def reject_selected(self, request: HttpRequest, queryset: QuerySet[SigningRequest]) -> None:
        done = decided(request, queryset, requesting.decline)
        messages.success(request, gettext("%(count)s requests rejected.") % {"count": done})


def decided(request: HttpRequest, rows: QuerySet[Any], decide: Callable[..., object], **how: Any) -> int:
    """Decide about each row; returns how many were possible, and shows why others were not."""
    count = 0
    for row in rows:
        try:
            decide(row, actor=request.user.get_username(), **how)
        except DomainError as error:
            messages.error(request, f"{row}: {error.sentence}")
        else:
            count += 1
    return count
