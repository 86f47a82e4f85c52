"""Trusted roots in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from certificates.admin import expiring
from certificates.models import TrustRoot
from certificates.services.certificates import roots, rotation
from ocpp_server.admin import access
from ocpp_server.admin.base import OperatorAdmin, station_link
from ocpp_server.domain import Invalid
from ocpp_server.rights import Right

_COLUMNS = {"crossSignedCertificate": "cross_signed"}


class TrustRootForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = TrustRoot
        fields = ("name", "kind", "certificate", "cross_signed", "is_enabled")
        widgets = {
            name: UnfoldAdminTextareaWidget(attrs={"rows": 8, "spellcheck": "false"})
            for name in ("certificate", "cross_signed")
        }
        help_texts = {
            "certificate": _("One self-signed certificate of a CA, in PEM."),
            "cross_signed": _(
                "PEM of this root, signed by the root before it: for stations that check additional roots."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:
            self.fields["name"].required = self.instance.pk is not None

    def clean(self) -> dict[str, Any]:
        """Check the rules of the API."""
        cleaned = super().clean() or {}
        try:
            if self.instance.pk is None and cleaned.get("certificate"):
                sha256 = roots.fingerprint(cleaned["certificate"])
                if TrustRoot.objects.filter(kind=cleaned.get("kind"), sha256=sha256).exists():
                    self.add_error("certificate", _("This certificate is a root of this kind already."))
            elif self.instance.pk is not None and "cross_signed" in cleaned:
                roots.check_cross_signed(self.instance, cleaned["cross_signed"])
        except Invalid as error:
            field = _COLUMNS.get(error.field, error.field)
            self.add_error(field if field in self.fields else None, error.sentence)
        return cleaned


@admin.register(TrustRoot)
class TrustRootAdmin(OperatorAdmin):
    """Saving sends nothing to stations: the command "Install certificate" and campaigns do."""

    right = Right.CERTIFICATES
    form = TrustRootForm
    list_display = ["name", "kind", "is_enabled", "not_after", "subject"]
    list_filter = ["kind", "is_enabled"]
    search_fields = ["name", "subject"]
    search_help_text = _("Search by name or subject")
    sortable_by = ["name", "not_after"]
    ordering = ["kind", "name", "pk"]
    actions: Any = None
    empty_sentence = _("No trusted roots yet. Add one, or make a CA of this server.")
    shown_fields = (
        "subject", "sha256", "source", "authority", "cross_signed_by", "not_before", "not_after",
        "created_at",
    )  # fmt: skip

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(expiring.page)
        return [path("expiring/", page, name="certificates-expiring"), *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["name", "kind", "certificate", "is_enabled"]
        plan = ["plan"] if obj.kind == TrustRoot.Kind.CSMS else []
        return ["name", "kind", "is_enabled", *plan, *self.shown_fields, "certificate", "cross_signed"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        return ["kind", "plan", "certificate", *self.shown_fields]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = access.may(request.user, self.right)
        return may and (obj is None or not roots.uses(obj))

    @admin.display(description=_("Plan"))
    def plan(self, row: TrustRoot) -> str:
        """The steps to make the root known, and the stations that do not know it."""
        found = rotation.plan(row)
        lines = format_html_join("", "<li>{}</li>", [(step,) for step in found.steps])
        named = format_html_join(", ", "{}", [(station_link(one.charge_point),) for one in found.lacking])
        return format_html("<ol>{}</ol><p>{}</p>", lines, named)

    def save_model(self, request: HttpRequest, obj: TrustRoot, form: Any, change: bool) -> None:
        given = form.cleaned_data
        if change:
            roots.change(
                TrustRoot.objects.get(pk=obj.pk),
                name=given["name"],
                is_enabled=given["is_enabled"],
                cross_signed=given["cross_signed"],
            )
        else:
            obj.pk = roots.add(
                kind=given["kind"],
                certificate=given["certificate"],
                name=given["name"],
                is_enabled=given["is_enabled"],
            ).pk

    def delete_model(self, request: HttpRequest, obj: TrustRoot) -> None:
        roots.remove(obj)
