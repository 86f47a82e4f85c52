"""Revoked certificates and revocation lists of other CAs in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from certificates.models import RevocationList, RevokedCertificate
from certificates.services.certificates import own_list, revocation_lists
from ocpp_server.admin import access
from ocpp_server.admin.base import OperatorAdmin
from ocpp_server.domain import DomainError, Invalid
from ocpp_server.rights import Right

_FIELDS = {"issuerCertificate": "issuer_certificate", "serialNumber": "serial"}


def _text(label: Any, help_text: Any, *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=1_000_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=help_text,
    )


class _Tried(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose values are tried by the service, so that its refusals appear at their fields."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                with transaction.atomic():
                    self.store(cleaned)
                    transaction.set_rollback(True)
            except DomainError as error:
                field = error.field if isinstance(error, Invalid) else ""
                field = _FIELDS.get(field, field)
                self.add_error(field if field in self.fields else None, error.sentence)
        return cleaned

    def store(self, given: dict[str, Any], actor: str = "") -> Any:
        """Store the values of the form; returns the row. Raises DomainError."""
        raise NotImplementedError


class RevokedCertificateForm(_Tried):
    certificate = _text(_("Certificate"), _("The certificate of another CA, in PEM."))

    class Meta:
        model = RevokedCertificate
        fields = ("reason", "note")

    def store(self, given: dict[str, Any], actor: str = "") -> RevokedCertificate:
        return own_list.add(
            certificate=given["certificate"], reason=given["reason"], note=given["note"], actor=actor
        )


class NewRevocationListForm(_Tried):
    crl = _text(_("Revocation list"), _("The list of another CA, in PEM (BEGIN X509 CRL)."))
    issuer_certificate = _text(
        _("CA"),
        _("The certificate of the CA in PEM, unless it is a trusted root or a CA of this server."),
        required=False,
    )

    class Meta:
        model = RevocationList
        fields = ("name", "url")

    def store(self, given: dict[str, Any], actor: str = "") -> RevocationList:
        return revocation_lists.add(**given, actor=actor)


class RevocationListForm(_Tried):
    class Meta:
        model = RevocationList
        fields = ("name", "url")

    def store(self, given: dict[str, Any], actor: str = "") -> RevocationList:
        row = RevocationList.objects.get(pk=self.instance.pk)
        revocation_lists.change(row, name=given["name"], url=given["url"], actor=actor)
        return row


class _RevocationAdmin(OperatorAdmin):
    right = Right.CERTIFICATES
    actions: Any = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may(request.user, self.right)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.pk = form.store(form.cleaned_data, request.user.get_username()).pk


@admin.register(RevokedCertificate)
class RevokedCertificateAdmin(_RevocationAdmin):
    form = RevokedCertificateForm
    list_display = ["__str__", "issuer", "serial", "reason", "created_at"]
    list_filter = ["reason"]
    search_fields = ["issuer", "subject", "serial"]
    search_help_text = _("Search by issuer, subject or serial number")
    sortable_by = ["created_at"]
    ordering = ["-pk"]
    empty_sentence = _(
        "No revoked certificates of other CAs. Those of our CAs are revoked in their own list."
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["certificate", "reason", "note"]
        return ["subject", "issuer", "serial", "reason", "note", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: RevokedCertificate) -> None:
        own_list.remove(obj, actor=request.user.get_username())


@admin.register(RevocationList)
class RevocationListAdmin(_RevocationAdmin):
    form = RevocationListForm
    list_display = ["name", "issuer", "entries", "this_update", "next_update", "fetch_error"]
    search_fields = ["name", "issuer"]
    search_help_text = _("Search by name or issuer")
    sortable_by = ["name", "next_update"]
    ordering = ["name"]
    empty_sentence = _(
        "No revocation lists of other CAs yet. Add the one of a manufacturer whose root is trusted."
    )
    shown_fields = (
        "issuer", "entries", "this_update", "next_update", "sha256", "fetched_at", "fetch_error",
        "issuer_certificate",
    )  # fmt: skip

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewRevocationListForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["name", "url", "crl", "issuer_certificate"]
        return ["name", "url", *self.shown_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else list(self.shown_fields)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("content")

    def delete_model(self, request: HttpRequest, obj: RevocationList) -> None:
        revocation_lists.remove(obj)
