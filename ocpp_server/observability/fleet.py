"""Metrics of the fleet, the same in every process: a few indexed queries at each scrape.

Each app registers its part. All parts are queried one after the other in a background thread, so that a
scrape ends even if the database does not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ocpp_server.observability.families import gauge
from ocpp_server.observability.single_flight import SingleFlight

log = structlog.get_logger(__name__)

# Prometheus waits ten seconds for a scrape by default.
TIMEOUT_S = 3.0

# For each family the values of its labels, with the number.
Figures = dict[str, list[tuple[tuple[str, ...], float]]]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric of the fleet. `key` is its key in `Figures`."""

    key: str
    name: str
    sentence: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of one app. `query` raises DatabaseError."""

    query: Callable[[], Figures]
    families: tuple[Family, ...]


_parts: list[Part] = []


def register(part: Part) -> None:
    """Add a part. Called from `AppConfig.ready`."""
    _parts.append(part)


class FleetCollector(Collector):
    """Queries all parts. `is_serving` returns whether this process serves stations."""

    def __init__(self, is_serving: Callable[[], bool]) -> None:
        self._is_serving = is_serving
        self._query = SingleFlight(_in_a_thread, name="fleet-metrics")

    def collect(self) -> Iterator[Metric]:
        found: Figures | None = None
        try:
            # A process that serves no stations (tests, manage.py) queries in the database transaction of the
            # caller.
            found = self._query.result(TIMEOUT_S) if self._is_serving() else _figures()
        except (DatabaseError, TimeoutError) as error:
            log.warning("metrics.database_away", error=str(error) or "no answer in time")
        yield gauge("ocpp_database_up", "1 when the database answered this scrape.", float(found is not None))
        for part in _parts:
            for family in part.families:
                yield _metric(family, found or {})


def _in_a_thread() -> Figures:
    try:
        return _figures()
    finally:
        connection.close()


def _figures() -> Figures:
    found: Figures = {}
    for part in _parts:
        found |= part.query()
    return found


def _metric(family: Family, found: Figures) -> Metric:
    """The family with its figures; an empty one when the database did not answer."""
    metric = GaugeMetricFamily(family.name, family.sentence, labels=family.labels)
    for names, value in found.get(family.key, ()):
        metric.add_metric(names, value)
    return metric
