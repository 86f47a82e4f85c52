"""The lag of events and webhooks and the streams of events, for Prometheus.

The engine counts the numbered ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from django.db.models import Count, Min
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from events.models import Event, WebhookDelivery, WebhookEndpoint
from events.services.places import places
from events.services.subscribing import ended
from ocpp_server.environment import roles
from ocpp_server.observability import measures
from ocpp_server.observability.families import counters, gauge
from ocpp_server.observability.fleet import Family, Figures, Part


class WebhookCollector(Collector):
    """The attempts of this process to deliver webhooks."""

    def collect(self) -> Iterator[Metric]:
        yield counters(
            "ocpp_webhook_attempts",
            "Attempts to deliver an event to a webhook: delivered, refused (4xx), trouble (no answer, 5xx), "
            "gone (410).",
            measures.webhook_attempts,
        )


def figures() -> Figures:
    """The database's figures. Raises DatabaseError."""
    oldest = Event.objects.unnumbered().order_by("id").values_list("at", flat=True).first()
    webhooks = dict.fromkeys(WebhookEndpoint.State.values, 0)
    rows = WebhookEndpoint.objects.order_by()
    webhooks |= dict(rows.values_list("state").annotate(count=Count("pk")))
    sending = rows.filter(state__in=("active", "failing"))
    cursor = sending.aggregate(Min("cursor"))["cursor__min"]
    waiting = None
    if cursor is not None:
        numbered = Event.objects.numbered().filter(position__gt=cursor)
        waiting = numbered.values_list("at", flat=True).first()
    pending = WebhookDelivery.objects.filter(state="pending", endpoint__in=sending).count()
    return {
        "event_lag": [((), _age(oldest))],
        "webhooks": [((state,), count) for state, count in webhooks.items()],
        "webhook_lag": [((), _age(waiting))],
        "webhook_pending": [((), pending)],
    }


def _age(at: datetime | None) -> float:
    return 0.0 if at is None else max(0.0, (datetime.now(UTC) - at).total_seconds())


FLEET: Final = Part(
    figures,
    (
        Family(
            "event_lag",
            "ocpp_event_lag_seconds",
            "How long the oldest event without a number has waited; 0 when there is none.",
        ),
        Family("webhooks", "ocpp_webhooks", "Webhooks, by state.", ("state",)),
        Family(
            "webhook_lag",
            "ocpp_webhook_lag_seconds",
            "How long the oldest event that an active webhook has not taken has waited; 0 without one.",
        ),
        Family(
            "webhook_pending",
            "ocpp_webhook_pending",
            "Deliveries in the log of active webhooks that wait: refused events, those behind them, replays.",
        ),
    ),
)


# The roles that serve the REST API.
STREAMING_ROLES: Final = frozenset({roles.Role.SERVER, roles.Role.WEB})


class MqttCollector(Collector):
    """The connection of this process to the MQTT broker."""

    def collect(self) -> Iterator[Metric]:
        # Imported here: only a server with a broker needs the client.
        from events.services.mqtt import publisher

        name = "ocpp_mqtt_connected"
        yield gauge(name, "1 in the process that is connected to the MQTT broker.", publisher.is_connected())


class StreamCollector(Collector):
    """The streams of events that this process sends to clients."""

    def collect(self) -> Iterator[Metric]:
        yield gauge("ocpp_sse_clients", "Clients with an open stream of events in this process.", len(places))
        yield counters("ocpp_sse_ended", "Streams of events that ended, by reason.", ended)
