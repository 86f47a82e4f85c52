"""The stations whose hours wait to be counted, for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db.models import Count, Min

from aggregates.models import Recount
from ocpp_server.observability.fleet import Family, Figures, Part


def figures() -> Figures:
    """The database's figures. Raises DatabaseError."""
    waiting = Recount.objects.aggregate(stations=Count("pk"), oldest=Min("marked_at"))
    oldest = waiting["oldest"]
    age = 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())
    return {"recounts": [((), waiting["stations"])], "recount_lag": [((), age)]}


FLEET: Final = Part(
    figures,
    (
        Family(
            "recounts",
            "ocpp_aggregates_waiting",
            "Stations whose hours of energy, sessions and uptime are to be counted again.",
        ),
        Family(
            "recount_lag",
            "ocpp_aggregates_lag_seconds",
            "How long the first of these stations has waited; 0 when there is none.",
        ),
    ),
)
