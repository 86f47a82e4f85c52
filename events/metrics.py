"""Events for Prometheus: how many were numbered, and how long the oldest has waited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from events.models import Event
from ocpp_server.observability import measures
from ocpp_server.observability.families import counters
from ocpp_server.observability.fleet import Family, Figures, Part


class EventsCollector(Collector):
    """The events that this process has numbered."""

    def collect(self) -> Iterator[Metric]:
        yield counters("ocpp_events", "Events that were numbered, by type.", measures.events)


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
