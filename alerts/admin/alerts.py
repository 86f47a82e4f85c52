"""Alerts in the admin: acknowledged, snoozed, resolved and assigned from the list or from their page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from accounts.models import User
from alerts.admin import statistics
from alerts.models import Alert
from alerts.services import handling
from alerts.services.codes import CODES
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin, json_column, link, session_link
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right

_SNOOZES: Final = {"1": _("1 hour"), "8": _("8 hours"), "24": _("1 day"), "168": _("1 week")}


class CodeFilter(DropdownFilter):
    title = _("Kind")
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code.name, code.label) for code in CODES.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(code=self.value()) if self.value() else queryset


class HandlingForm(forms.Form):
    """The choice of an operator about one alert."""

    what = forms.ChoiceField(
        choices=[(name, name) for name in ("acknowledge", "snooze", "resolve", "assign", "note")]
    )
    text = forms.CharField(required=False, max_length=handling.MOST_NOTE)
    hours = forms.ChoiceField(required=False, choices=list(_SNOOZES.items()))
    resolution = forms.ChoiceField(
        required=False, choices=[(one.value, one.label) for one in handling.BY_HAND]
    )
    assignee = forms.ModelChoiceField(
        required=False, queryset=User.objects.filter(is_staff=True, is_active=True).order_by("username")
    )


@admin.register(Alert)
class AlertAdmin(EvidenceAdmin):
    right = Right.ALERTS
    actions = ["acknowledge_selected", "snooze_selected", "resolve_selected"]
    list_display = [
        "severity_label",
        "title",
        "state_label",
        "station",
        "site",
        "opened_at",
        "count",
        "assignee",
    ]
    list_display_links = ["title"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("severity", ChoicesDropdownFilter),
        CodeFilter,
        StationFilter,
        ("site", admin.RelatedOnlyFieldListFilter),
        ("suppression", ChoicesDropdownFilter),
        ("opened_at", MomentFilter),
    ]
    list_select_related = ["charge_point", "site", "assignee", "inhibited_by"]
    search_fields = ["station"]
    exact_search = ("pk", "station", "key")
    search_help_text = _("Search by number, station or cause")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    fields = [
        "title",
        "severity_label",
        "state_label",
        "what_to_do",
        "detail",
        "station",
        "site",
        "evse_number",
        "connector_number",
        "session",
        "cause",
        "count",
        "episode",
        "values",
        "opened_at",
        "last_seen_at",
        "assignee",
        "acknowledged_by",
        "acknowledged_at",
        "snoozed_until",
        "resolved_at",
        "resolved_by",
        "resolution",
        "is_muted",
    ]
    change_form_template = "operator/alert.html"
    empty_sentence = _("No alerts yet. Every rule is enabled from the first start.")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [json_column("values") if name == "values" else name for name in self.fields]

    def get_urls(self) -> list[Any]:
        handle = path(
            "<int:pk>/handle/", self.admin_site.admin_view(require_POST(self.handle)), name="alert-handle"
        )
        shown = path("statistics/", self.admin_site.admin_view(statistics.page), name="alert-statistics")
        return [handle, shown, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {
            "form_of_alert": HandlingForm(),
            "may_handle": access.may(request.user, self.right),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Django looks for it by the name of the actions' permission."""
        return access.may(request.user, self.right)

    def handle(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Do what the form says with one alert."""
        access.require(request.user, self.right)
        form = HandlingForm(request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(str(each) for each in form.errors.values()))
            return redirect(reverse("admin:alerts_alert_change", args=[pk]))
        asked = form.cleaned_data
        what = asked["what"]
        how: dict[str, Any] = {}
        if what == "snooze":
            how["until"] = timezone.now() + timedelta(hours=int(asked["hours"] or 1))
        elif what == "resolve":
            how = {"resolution": asked["resolution"] or Alert.Resolution.FIXED, "note": asked["text"]}
        elif what == "assign":
            how["assignee"] = asked["assignee"]
        elif what == "note":
            how["text"] = asked["text"]
        else:
            how["note"] = asked["text"]
        done = self._handled(request, [pk], _HANDLERS[what], **how)
        if done:
            messages.success(request, gettext("Saved."))
        return redirect(reverse("admin:alerts_alert_change", args=[pk]))

    @admin.action(description=_("Acknowledge the selected alerts"), permissions=["handle"])
    def acknowledge_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        done = self._handled(request, _keys(queryset), handling.acknowledge)
        messages.success(request, gettext("%(count)s alerts acknowledged.") % {"count": done})

    @admin.action(description=_("Snooze the selected alerts for an hour"), permissions=["handle"])
    def snooze_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        until = timezone.now() + timedelta(hours=1)
        done = self._handled(request, _keys(queryset), handling.snooze, until=until)
        messages.success(request, gettext("%(count)s alerts snoozed.") % {"count": done})

    @admin.action(description=_("Resolve the selected alerts as fixed"), permissions=["handle"])
    def resolve_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        fixed = Alert.Resolution.FIXED
        done = self._handled(request, _keys(queryset), handling.resolve, resolution=fixed)
        messages.success(request, gettext("%(count)s alerts resolved.") % {"count": done})

    def _handled(self, request: HttpRequest, keys: list[int], handler: Callable[..., Any], **how: Any) -> int:
        """Handle each alert; returns how many were possible, and shows why others were not."""
        count = 0
        for pk in keys:
            try:
                with transaction.atomic():
                    alert = Alert.objects.select_for_update().filter(pk=pk).first()
                    if alert is None:
                        raise Http404
                    handler(alert, actor=request.user.get_username(), **how)
            except DomainError as error:
                messages.error(request, f"{pk}: {error.sentence}")
            else:
                count += 1
        return count

    @admin.display(description=_("Station"))
    def station(self, row: Alert) -> str:
        return super().station(row) if row.charge_point is not None else row.station or "–"

    @admin.display(description=_("Session"))
    def session(self, row: Alert) -> str:
        return session_link(row.transaction_id)

    @admin.display(description=_("Because of"))
    def cause(self, row: Alert) -> str:
        if row.inhibited_by is None:
            return row.get_suppression_display() or "–"
        return link(reverse("admin:alerts_alert_change", args=[row.inhibited_by.pk]), row.inhibited_by.title)

    @display(description=_("Severity"), label=tones.ALERT_SEVERITY)
    def severity_label(self, row: Alert) -> tuple[str, str]:
        return row.severity, row.get_severity_display()

    @display(description=_("State"), label=tones.ALERT_STATE)
    def state_label(self, row: Alert) -> tuple[str, str]:
        words = str(row.get_state_display())
        if row.is_recovering:
            words = gettext("%(state)s, recovering") % {"state": words}
        if row.suppression:
            words = f"{words}, {row.get_suppression_display()}"
        return row.state, words


_HANDLERS: Final[dict[str, Callable[..., Any]]] = {
    "acknowledge": handling.acknowledge,
    "snooze": handling.snooze,
    "resolve": handling.resolve,
    "assign": handling.assign,
    "note": handling.add_note,
}


def _keys(rows: QuerySet[Alert]) -> list[int]:
    return list(rows.values_list("pk", flat=True))
