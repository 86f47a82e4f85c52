"""Readings in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ocpp_server.admin.base import EvidenceAdmin, session_link
from ocpp_server.admin.filters import StationFilter
from transactions.models import Reading, Transaction
from transactions.services.metering.samples import Sampled, read

# A row of the list shows this many samples at most; the page of the reading has all.
SHOWN = 3


class ReadingsOfStationFilter(StationFilter):
    """Readings of the station's latest sessions, and readings without a session."""

    def of_station(self, queryset: QuerySet[Any], station: int) -> QuerySet[Any]:
        latest = (
            Transaction.objects.filter(charge_point_id=station).order_by("-id").values_list("pk", flat=True)
        )
        return queryset.filter(
            Q(transaction__in=list(latest[:10])) | Q(transaction__isnull=True, charge_point_id=station)
        )


@admin.register(Reading)
class ReadingAdmin(EvidenceAdmin):
    list_display = ["reading", "station", "session", "sample_count", "measured_at"]
    list_filter = [ReadingsOfStationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["transaction__id"]
    exact_search = ("transaction_id",)
    search_help_text = _("Search by session number")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No readings yet. They appear when a station sends meter values.")

    def get_fields(self, request: Any, obj: Any = None) -> list[Any]:
        left_out = {"digest", "samples", "register_exponent"}
        return [name for name in super().get_fields(request, obj) if name not in left_out] + ["all_samples"]

    @admin.display(description=_("Session"))
    def session(self, reading: Reading) -> str:
        return session_link(reading.transaction_id)

    @admin.display(description=_("Reading"))
    def reading(self, reading: Reading) -> SafeString:
        """The first samples."""
        samples = [words(sample) for sample in read(reading.samples)[:SHOWN]]
        more = [] if reading.sample_count <= SHOWN else ["…"]
        return format_html_join(", ", "{}", ((text,) for text in [*samples, *more]))

    @admin.display(description=_("Samples"))
    def all_samples(self, reading: Reading) -> SafeString:
        """All samples, one a line."""
        return format_html_join(
            "", "<div>{}</div>", ((words(each, whole=True),) for each in read(reading.samples))
        )


def words(sample: Sampled, *, whole: bool = False) -> str:
    """The sample as text: "Voltage L1 230.1 V"; `whole` with its context, its location and its raw value."""
    _, kind, value, raw, signed_data = sample
    shown = raw if value is None else f"{value:,g} {kind.unit}"
    if not whole:
        return " ".join(filter(None, (kind.measurand, kind.phase, shown[:60].strip())))
    sent = f"({raw} {kind.raw_unit})" if kind.raw_unit else f"({raw})"
    parts = (kind.measurand, kind.phase, shown, sent, kind.context, kind.location, signed_data or "")
    return " ".join(filter(None, parts))
