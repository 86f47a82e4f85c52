"""Root sets in the admin, with the stations that lack a root, and the campaign that installs it there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from certificates.models import RootSet
from certificates.services.certificates import root_sets
from certificates.services.certificates.campaigns import ROOT_CERTIFICATES
from chargepoints.models.campaign import MOST_STATIONS
from chargepoints.services.campaigns import planning
from ocpp_server.admin import access
from ocpp_server.admin.base import OperatorAdmin
from ocpp_server.domain import Invalid
from ocpp_server.rights import Right


class RootSetForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = RootSet
        fields = ("name", "is_enabled", "roots", "site", "vendor", "model")
        help_texts = {
            "site": _("Without a site and a model, the set is for all stations."),
            "vendor": _("With a model."),
        }

    def clean(self) -> dict[str, Any]:
        """Check the rules of the API."""
        cleaned = super().clean() or {}
        try:
            vendor, model = cleaned.get("vendor", ""), cleaned.get("model", "")
            root_sets.check_target(cleaned.get("site"), vendor, model)
        except Invalid as error:
            self.add_error(error.field, error.sentence)
        if len(cleaned.get("roots") or ()) > root_sets.MOST_ROOTS:
            sentence = gettext("A set has at most %(most)d roots.") % {"most": root_sets.MOST_ROOTS}
            self.add_error("roots", sentence)
        return cleaned


@admin.register(RootSet)
class RootSetAdmin(OperatorAdmin):
    """Saving sends nothing to stations: the campaign of the action does."""

    right = Right.CERTIFICATES
    form = RootSetForm
    list_display = ["name", "is_enabled", "site", "model", "covered"]
    list_select_related = ["site"]
    autocomplete_fields = ["site"]
    search_fields = ["name"]
    search_help_text = _("Search by name")
    sortable_by = ["name"]
    ordering = ["name"]
    actions = ("install_missing",)
    empty_sentence = _(
        "No root sets yet. A set has the roots that the stations of a site or model are to have."
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = ["name", "is_enabled", "roots", "site", "vendor", "model"]
        return names if obj is None else [*names, "covered"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["covered"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may(request.user, self.right)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found = super().get_actions(request)
        if not access.may(request.user, Right.CAMPAIGNS):
            found.pop("install_missing", None)
        return found

    @admin.display(description=_("Stations"))
    def covered(self, row: RootSet) -> str:
        lines = [(root_sets.sentence(one),) for one in root_sets.coverage(row)]
        return format_html_join("", "<div>{}</div>", lines) or "–"

    @admin.action(description=_("Install the missing roots"))
    def install_missing(self, request: HttpRequest, rows: QuerySet[RootSet]) -> HttpResponse | None:
        """Start a campaign for the stations that lack a root of the one selected set."""
        access.require(request.user, Right.CAMPAIGNS)
        chosen = list(rows[:2])
        if len(chosen) != 1:
            messages.error(request, gettext("Select one root set."))
            return None
        (root_set,) = chosen
        identities = list(root_sets.lacking(root_set).values_list("identity", flat=True)[:MOST_STATIONS])
        if not identities:
            messages.info(request, gettext("All stations of %(name)s have its roots.") % {"name": root_set})
            return None
        try:
            made = planning.create(
                name=root_set.name,
                kind=ROOT_CERTIFICATES.name,
                arguments={"rootSetId": root_set.pk},
                stations={"client_ids": identities},
                actor=request.user.get_username(),
            )
        except Invalid as error:
            messages.error(request, error.sentence)
            return None
        return redirect("admin:chargepoints_campaign_change", made.pk)
