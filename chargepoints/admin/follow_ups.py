"""Follow-ups of commands, and reports in parts, in the admin."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from chargepoints.models import FollowUp, ReportAssembly
from chargepoints.services.diagnostics import customers
from chargepoints.services.follow_ups import personal
from chargepoints.services.follow_ups.table import FOLLOWS, PERSONAL, REPORTS
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin, link
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.rights import Right


class FollowUpFilter(DropdownFilter):
    title = _("Message")
    parameter_name = "message"
    actions = tuple(FOLLOWS)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, action) for action in sorted(self.actions)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class ReportFilter(FollowUpFilter):
    actions = REPORTS


class _CommandAdmin(EvidenceAdmin):
    """Rows with a link to the command that they follow."""

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return ["command_link" if name == "command" else name for name in super().get_fields(request, obj)]

    @admin.display(description=_("Command"))
    def command_link(self, row: FollowUp | ReportAssembly) -> str:
        if row.command is None:
            return "–"
        return link(reverse("admin:chargepoints_command_change", args=[row.command.pk]), row.command.action)


@admin.register(FollowUp)
class FollowUpAdmin(_CommandAdmin):
    json_fields = ("payload",)
    fields = (
        "charge_point",
        "command",
        "action",
        "request_id",
        "reference",
        "seq_no",
        "is_last",
        "status",
        "payload",
        "received_at",
    )
    list_display = [
        "action", "station", "request_id", "seq_no", "status", "reference", "command_link", "received_at"
    ]  # fmt: skip
    list_filter = [StationFilter, FollowUpFilter, ("received_at", MomentFilter)]
    list_select_related = ["charge_point", "command"]
    search_fields = ["action"]
    exact_search = ("action", "charge_point")
    search_help_text = _("Search by action or station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No follow-ups yet. Stations send them after commands such as GetBaseReport.")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Only administrators see the personal data of customers."""
        fields = super().get_fields(request, obj)
        is_shown = (
            isinstance(obj, FollowUp) and obj.personal_data and access.may(request.user, Right.PERSONAL_DATA)
        )
        return [*fields, "customer_data"] if is_shown else fields

    @admin.display(description=_("Customer information"))
    def customer_data(self, row: FollowUp) -> str:
        text = personal.unseal(row.personal_data)
        return gettext("It was encrypted with another secret key.") if text is None else text


@admin.register(ReportAssembly)
class ReportAdmin(_CommandAdmin):
    list_display = [
        "action", "station", "parts_link", "state_label", "gap_words", "command_link", "started_at", "last_at"
    ]  # fmt: skip
    list_filter = [StationFilter, ReportFilter, ("state", ChoicesDropdownFilter)]
    list_select_related = ["charge_point", "command"]
    search_fields = ["action"]
    exact_search = ("action", "charge_point")
    search_help_text = _("Search by action or station")
    sortable_by = ["started_at"]
    ordering = ["-started_at"]
    empty_sentence = _("No reports yet. Ask a 2.x station for one with GetBaseReport.")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Only administrators see the personal data of customers."""
        fields = super().get_fields(request, obj)
        is_shown = (
            isinstance(obj, ReportAssembly)
            and obj.action in PERSONAL
            and access.may(request.user, Right.PERSONAL_DATA)
        )
        return [*fields, "customer_data"] if is_shown else fields

    @admin.display(description=_("Customer information"))
    def customer_data(self, report: ReportAssembly) -> str:
        return customers.text_of(report) or "–"

    @display(description=_("State"), label=tones.REPORT)
    def state_label(self, report: ReportAssembly) -> tuple[str, str]:
        return report.state, report.get_state_display()

    @admin.display(description=_("Missing"))
    def gap_words(self, report: ReportAssembly) -> str:
        return report.gap or "–"

    @admin.display(description=_("Parts"))
    def parts_link(self, report: ReportAssembly) -> str:
        return link(parts_url(report), report.parts)


def parts_url(report: ReportAssembly) -> str:
    """The list of the parts of a report."""
    query = urlencode(
        {
            "charge_point": report.charge_point_id,
            "action": report.action,
            "request_id": report.request_id,
        }
    )
    return f"{reverse('admin:chargepoints_followup_changelist')}?{query}"
