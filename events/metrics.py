"""The lag of events, for Prometheus. The engine counts the numbered ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from events.models import Event
from ocpp_server.observability.fleet import Family, Figures, Part


def figures() -> Figures:
    """The database's figures. Raises DatabaseError."""
    oldest = Event.objects.unnumbered().order_by("id").values_list("at", flat=True).first()
    lag = 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())
    return {"event_lag": [((), lag)]}


FLEET: Final = Part(
    figures,
    (
        Family(
            "event_lag",
            "ocpp_event_lag_seconds",
            "How long the oldest event without a number has waited; 0 when there is none.",
        ),
    ),
)
