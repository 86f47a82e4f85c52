"""The lag and the streams of events, for Prometheus. The engine counts the numbered ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from events.models import Event
from events.services.places import places
from events.services.subscribing import ended
from ocpp_server.environment import roles
from ocpp_server.observability.families import counters, gauge
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


# The roles that serve the REST API.
STREAMING_ROLES: Final = frozenset({roles.Role.SERVER, roles.Role.WEB})


class StreamCollector(Collector):
    """The streams of events that this process sends to clients."""

    def collect(self) -> Iterator[Metric]:
        yield gauge("ocpp_sse_clients", "Clients with an open stream of events in this process.", len(places))
        yield counters("ocpp_sse_ended", "Streams of events that ended, by reason.", ended)
