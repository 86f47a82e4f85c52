"""CAs in the admin, and the form that asks the signer for them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from certificates.admin.signing_requests import decided
from certificates.models import AuthorityRequest, CertificateAuthority
from certificates.services.certificates import authority_requests
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin, OperatorAdmin
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right


@admin.register(CertificateAuthority)
class CertificateAuthorityAdmin(EvidenceAdmin):
    actions = ["retire_selected", "activate_selected"]
    list_display = ["name", "parent", "usage", "key_type", "state_label", "not_after"]
    list_filter = [("state", ChoicesDropdownFilter), ("usage", ChoicesDropdownFilter)]
    list_select_related = ["parent"]
    search_fields = ["name"]
    search_help_text = _("Search by name")
    sortable_by = ["name", "not_after"]
    ordering = ["-id"]
    list_before_template = "operator/authority_list_buttons.html"
    empty_sentence = _("No CAs yet. Set up a CA, and stations can get certificates.")

    def get_queryset(self, request: HttpRequest) -> Any:
        # A list of many thousand certificates is large.
        return super().get_queryset(request).defer("crl")

    def has_retire_permission(self, request: HttpRequest) -> bool:
        """Django looks for it by the name of the actions' permission."""
        return access.may(request.user, Right.CERTIFICATES)

    @admin.action(description=_("Retire the selected CAs"), permissions=["retire"])
    def retire_selected(self, request: HttpRequest, queryset: QuerySet[CertificateAuthority]) -> None:
        done = decided(request, queryset, authority_requests.retire)
        messages.success(request, gettext("%(count)s CAs retired.") % {"count": done})

    @admin.action(description=_("Activate the selected CAs"), permissions=["retire"])
    def activate_selected(self, request: HttpRequest, queryset: QuerySet[CertificateAuthority]) -> None:
        done = decided(request, queryset, authority_requests.activate)
        messages.success(request, gettext("%(count)s CAs activated.") % {"count": done})

    @display(description=_("State"), label=tones.AUTHORITY)
    def state_label(self, row: CertificateAuthority) -> tuple[str, str]:
        return row.state, row.get_state_display()


class AuthorityRequestForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = AuthorityRequest
        fields = ["organization", "name", "usage"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            authority_requests.check(cleaned.get("organization", "x"), cleaned.get("name", ""))
        except DomainError as error:
            self.add_error(error.field or None, error.sentence)
        return cleaned


@admin.register(AuthorityRequest)
class AuthorityRequestAdmin(OperatorAdmin):
    right = Right.CERTIFICATES
    form = AuthorityRequestForm
    list_display = ["__str__", "organization", "usage", "state_label", "reason", "actor", "created_at"]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["organization", "name"]
    search_help_text = _("Search by organization or name")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    fields = ["organization", "name", "usage"]
    empty_sentence = _("No requests yet. Set up a CA: the signer makes its keys.")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AuthorityRequest, form: Any, change: bool) -> None:
        obj.actor = request.user.get_username()[:150]
        super().save_model(request, obj, form, change)

    @display(description=_("State"), label=tones.AUTHORITY_REQUEST)
    def state_label(self, row: AuthorityRequest) -> tuple[str, str]:
        return row.state, row.get_state_display()
