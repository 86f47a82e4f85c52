"""Numbers for Prometheus. What others measure goes into `REGISTRY`; what the database knows is asked when
it is scraped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

# Counters and histograms of the engine register here; the process and platform collectors stay out of it.
REGISTRY = CollectorRegistry()

# Commands are counted over this long, so that a scrape never walks the whole log.
_RECENT = timedelta(hours=1)


class FleetCollector(Collector):
    """Stations, connectors, charging sessions and commands, a handful of indexed queries a scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from chargepoints.models import ChargePoint, Command, Connector
        from ocpp_server import live
        from transactions.models import Transaction

        known = ChargePoint.objects.aggregate(known=Count("pk"), online=Count("pk", filter=Q(is_online=True)))
        yield GaugeMetricFamily("ocpp_stations_known", "Stations ever entered or seen.", known["known"])
        yield GaugeMetricFamily(
            "ocpp_stations_online", "Stations online, over all processes.", known["online"]
        )
        yield GaugeMetricFamily(
            "ocpp_stations_connected", "Stations connected now.", len(live.state().connected())
        )
        active = Transaction.objects.active().count()
        yield GaugeMetricFamily("ocpp_transactions_active", "Charging sessions running now.", active)

        connectors = GaugeMetricFamily(
            "ocpp_connectors", "Connectors of stations online, by reported status.", labels=["status"]
        )
        online = Connector.objects.filter(charge_point__is_online=True).order_by()
        counts: dict[str, int] = {}
        for status, count in online.values_list("status").annotate(count=Count("pk")):
            # A station's own words would make labels without end.
            label = status if status and status in Connector.Status.values else "Other"
            counts[label] = counts.get(label, 0) + count
        for label, count in counts.items():
            connectors.add_metric([label], count)
        yield connectors

        commands = GaugeMetricFamily(
            "ocpp_commands_recent", "Commands of the last hour, by state.", labels=["state"]
        )
        recent = Command.objects.filter(created_at__gte=timezone.now() - _RECENT).order_by()
        for state, count in recent.values_list("state").annotate(count=Count("pk")):
            commands.add_metric([state], count)
        yield commands


_FLEET = CollectorRegistry()
_FLEET.register(FleetCollector())


def exposition() -> tuple[bytes, str]:
    """Everything in Prometheus' text format, and its content type."""
    return generate_latest(REGISTRY) + generate_latest(_FLEET), CONTENT_TYPE_LATEST
