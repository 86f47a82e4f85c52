"""Statistics of alerts by code and month: how many were opened, and the mean times of reaction and end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth

from alerts.models import Alert
from alerts.services.codes import CODES

# The months of the page: as many as the default of ALERT_RETENTION has.
SHOWN: Final = timedelta(days=400)


class Statistic(NamedTuple):
    """The alerts of one code that were opened in one month of UTC. The times are mean values; None without
    an alert that has them.
    """

    month: datetime
    code: str
    opened: int
    reopened: int
    acknowledged: int
    to_acknowledge: timedelta | None
    resolved: int
    to_resolve: timedelta | None

    @property
    def label(self) -> str:
        """The label of the code."""
        return CODES[self.code].label if self.code in CODES else self.code

    @property
    def to_acknowledge_s(self) -> float | None:
        return _seconds(self.to_acknowledge)

    @property
    def to_resolve_s(self) -> float | None:
        return _seconds(self.to_resolve)


def by_month(rows: QuerySet[Alert]) -> list[Statistic]:
    """The statistics of these alerts, the newest month first, in one query.

    An alert that opened again counts from its last opening, and its earlier openings count as reopened.
    """
    # Alerts of an earlier version have the last acknowledgement alone.
    acknowledged = Coalesce("first_acknowledged_at", "acknowledged_at")
    found = (
        rows.order_by()
        .annotate(
            month=TruncMonth("opened_at", tzinfo=UTC),
            to_acknowledge=_since_opening(acknowledged),
            to_resolve=_since_opening(F("resolved_at")),
        )
        .values("month", "code")
        .annotate(
            opened=Count("pk"),
            reopened=Sum(F("episode") - 1),
            acknowledged=Count("to_acknowledge"),
            mean_to_acknowledge=Avg("to_acknowledge"),
            resolved=Count("to_resolve"),
            mean_to_resolve=Avg("to_resolve"),
        )
        .order_by("-month", "code")
    )
    return [
        Statistic(
            row["month"],
            row["code"],
            row["opened"],
            row["reopened"],
            row["acknowledged"],
            row["mean_to_acknowledge"],
            row["resolved"],
            row["mean_to_resolve"],
        )
        for row in found
    ]


def _since_opening(end: Any) -> Any:
    return ExpressionWrapper(end - F("opened_at"), output_field=DurationField())


def _seconds(time: timedelta | None) -> float | None:
    return None if time is None else round(time.total_seconds(), 1)
