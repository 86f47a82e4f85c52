"""Issued certificates in the admin: their use and their end; revoked from the list."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from certificates.admin.signing_requests import decided
from certificates.models import IssuedCertificate
from certificates.services.certificates import revoking
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.rights import Right


@admin.register(IssuedCertificate)
class IssuedCertificateAdmin(EvidenceAdmin):
    actions = ["revoke_selected", "revoke_compromised"]
    list_display = ["subject", "station", "type", "state_label", "not_after", "last_used_at", "serial"]
    list_filter = [
        StationFilter,
        ("state", ChoicesDropdownFilter),
        ("type", ChoicesDropdownFilter),
        ("not_after", MomentFilter),
    ]
    list_select_related = ["charge_point"]
    search_fields = ["serial"]
    exact_search = ("charge_point", "serial", "sha256")
    search_help_text = _("Search by station, serial number or fingerprint")
    sortable_by = ["not_after"]
    ordering = ["-id"]
    empty_sentence = _("No certificates yet. Approve a signing request of a station.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Django looks for it by the name of the actions' permission."""
        return access.may(request.user, Right.CERTIFICATES)

    @display(description=_("State"), label=tones.ISSUED_CERTIFICATE)
    def state_label(self, row: IssuedCertificate) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.action(description=_("Revoke: no longer used"), permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[IssuedCertificate]) -> None:
        self._revoke(request, queryset, "cessationOfOperation")

    @admin.action(description=_("Revoke: key compromised"), permissions=["revoke"])
    def revoke_compromised(self, request: HttpRequest, queryset: QuerySet[IssuedCertificate]) -> None:
        self._revoke(request, queryset, "keyCompromise")

    def _revoke(self, request: HttpRequest, queryset: QuerySet[IssuedCertificate], reason: str) -> None:
        done = decided(request, queryset.select_related("charge_point"), revoking.revoke, reason=reason)
        messages.success(request, gettext("%(count)s certificates revoked.") % {"count": done})
