"""Meter values in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from ocpp_server.admin.base import EvidenceAdmin, session_link
from ocpp_server.admin.filters import StationFilter
from transactions.models import MeterValue, Transaction


class ReadingsOfStationFilter(StationFilter):
    """Readings of the station's latest sessions, and readings without a session."""

    def of_station(self, queryset: QuerySet[Any], station: int) -> QuerySet[Any]:
        latest = (
            Transaction.objects.filter(charge_point_id=station).order_by("-id").values_list("pk", flat=True)
        )
        return queryset.filter(
            Q(transaction__in=list(latest[:10])) | Q(transaction__isnull=True, charge_point_id=station)
        )


@admin.register(MeterValue)
class MeterValueAdmin(EvidenceAdmin):
    list_display = ["measurand", "station", "session", "reading", "phase", "context", "measured_at"]
    list_filter = [ReadingsOfStationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["transaction__id"]
    exact_search = ("transaction_id",)
    search_help_text = _("Search by session number")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No readings yet. They appear when a station sends meter values.")

    @admin.display(description=_("Session"))
    def session(self, reading: MeterValue) -> str:
        return session_link(reading.transaction_id)

    @admin.display(description=_("Reading"))
    def reading(self, reading: MeterValue) -> str:
        return reading.raw if reading.value is None else f"{reading.value:,g} {reading.unit}"
