"""What is the same in every process, asked when it is scraped: the fleet, from the database and the live
state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ocpp_server import live
from ocpp_server.observability.single_flight import Patient
from ocpp_server.process import engine
from ocpp_server.process.metrics import gauge
from ocpp_server.protocol.versions import VERSIONS

log = structlog.get_logger(__name__)

# Commands are counted over this long, so that a scrape never walks the whole log.
RECENT = timedelta(hours=1)
# A scrape has to end while the database hangs: Prometheus waits ten seconds by default.
PATIENCE_S = 3.0


class FleetCollector(Collector):
    """Stations, connectors, charging sessions and commands: a handful of indexed queries a scrape."""

    def __init__(self) -> None:
        self._asked = Patient(_in_a_thread, name="fleet-metrics")

    def collect(self) -> Iterator[Metric]:
        try:
            # Where no station is served (tests, manage.py) the caller's own transaction is looked at.
            found = self._asked.answer(PATIENCE_S) if engine.is_running() else fleet()
        except (DatabaseError, TimeoutError) as error:
            log.warning("metrics.database_away", error=str(error) or "no answer in time")
            found = []
        yield gauge("ocpp_database_up", "1 when the database answered this scrape.", float(bool(found)))
        yield from found or families({})
        yield GaugeMetricFamily(
            "ocpp_stations_connected",
            "Stations connected now, by the live state.",
            len(live.state().connected()),
        )


def _in_a_thread() -> list[Metric]:
    try:
        return fleet()
    finally:
        connection.close()


def fleet() -> list[Metric]:
    """The database's own figures. Raises DatabaseError."""
    from chargepoints.models import ChargePoint, Command, Connector
    from transactions.models import Transaction

    online = dict.fromkeys(map(str, VERSIONS), 0)
    for version, count in (
        ChargePoint.objects.online().order_by().values_list("ocpp_version").annotate(count=Count("pk"))
    ):
        online[version if version in online else "other"] = count

    connectors: dict[str, int] = {}
    reported = Connector.objects.filter(charge_point__is_online=True).order_by()
    for status, count in reported.values_list("status").annotate(count=Count("pk")):
        # A station's own words would make labels without end.
        label = status if status and status in Connector.Status.values else "Other"
        connectors[label] = connectors.get(label, 0) + count

    commands = dict.fromkeys(Command.State.values, 0)
    recent = Command.objects.filter(created_at__gte=timezone.now() - RECENT).order_by()
    commands |= dict(recent.values_list("state").annotate(count=Count("pk")))
    return families(
        {
            "known": [((), ChargePoint.objects.count())],
            "online": [((version,), count) for version, count in online.items()],
            "active": [((), Transaction.objects.active().count())],
            "connectors": [((status,), count) for status, count in connectors.items()],
            "commands": [((state,), count) for state, count in commands.items()],
        }
    )


def families(found: dict[str, list[tuple[tuple[str, ...], int]]]) -> list[Metric]:
    """The families with what was found; empty ones when nothing could be asked."""
    return [
        _family("ocpp_stations_known", "Stations ever entered or seen.", found.get("known")),
        _family(
            "ocpp_stations_online",
            "Stations online over all processes, by version.",
            found.get("online"),
            "version",
        ),
        _family("ocpp_transactions_active", "Charging sessions running now.", found.get("active")),
        _family(
            "ocpp_connectors",
            "Connectors of stations online, by reported status.",
            found.get("connectors"),
            "status",
        ),
        _family(
            "ocpp_commands_recent", "Commands of the last hour, by state.", found.get("commands"), "state"
        ),
    ]


def _family(
    name: str, sentence: str, values: Iterable[tuple[tuple[str, ...], int]] | None, *labels: str
) -> Metric:
    family = GaugeMetricFamily(name, sentence, labels=labels)
    for names, value in values or ():
        family.add_metric(names, value)
    return family
