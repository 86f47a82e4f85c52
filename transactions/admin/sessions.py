"""Charging sessions in the admin: the list. Its rows are evidence and read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import access, cells, tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.rights import Right
from transactions.admin import settling
from transactions.models import Transaction


@admin.register(Transaction)
class TransactionAdmin(EvidenceAdmin):
    """The list leads to the session page. An operator's decision is a settlement, not an edit of a row."""

    actions = ["settle_as_proposed", "settle_as_ignored", "end_sessions"]

    list_display = [
        "number",
        "station",
        "place",
        "id_token",
        "state",
        "energy",
        "duration",
        "started_at",
        "flag",
    ]
    list_filter = [
        StationFilter,
        ("status", ChoicesDropdownFilter),
        "suspect",
        ("started_at", MomentFilter),
    ]
    list_select_related = ["charge_point"]
    search_fields = ["id"]
    exact_search = ("pk", "id_token", "charge_point", "ocpp_id")
    search_help_text = _("Search by number, token, station or 2.x transaction id")
    sortable_by = ["number", "started_at"]
    ordering = ["-id"]
    empty_sentence = _("No sessions yet. A session appears here when a station starts one.")

    def get_urls(self) -> list[Any]:
        return [*settling.urls(self.admin_site), *super().get_urls()]

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, Right.SESSIONS)

    @admin.action(description=_("Settle: apply proposed fix"), permissions=["settle"])
    def settle_as_proposed(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> Any:
        return settling.confirm_many(request, queryset, "proposed")

    @admin.action(description=_("Settle: ignore"), permissions=["settle"])
    def settle_as_ignored(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> Any:
        return settling.confirm_many(request, queryset, "ignore")

    @admin.action(description=_("End session"), permissions=["settle"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> Any:
        return settling.confirm_many(request, queryset, "end")

    @admin.display(description=_("Number"), ordering="id")
    def number(self, transaction: Transaction) -> int:
        return transaction.pk

    @admin.display(description=_("EVSE"))
    def place(self, transaction: Transaction) -> str:
        return "–" if transaction.evse_number is None else str(transaction.evse_number)

    @display(description=_("State"), label=tones.SESSION | {"suspect": tones.DANGER})
    def state(self, transaction: Transaction) -> tuple[str, str]:
        return transaction.status, transaction.get_status_display()

    @admin.display(description=_("Energy"))
    def energy(self, transaction: Transaction) -> str:
        return cells.kilowatt_hours(transaction.energy_wh)

    @admin.display(description=_("Duration"))
    def duration(self, transaction: Transaction) -> str:
        return cells.span(transaction.started_at, transaction.stopped_at or timezone.now())

    @display(description=_("Suspect"), ordering="suspect", label={"suspect": tones.DANGER})
    def flag(self, transaction: Transaction) -> tuple[str, str] | str:
        return ("suspect", gettext("suspect")) if transaction.suspect else ""
