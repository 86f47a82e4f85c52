"""The counts of this process (`measures`) as metric families of Prometheus.

Every sample has labels for its process and role, so that sums over processes are possible.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ocpp_server.environment import roles
from ocpp_server.observability.measures import Spread, Tally

# The first labels of every sample of this process.
OWN = ("process", "role")


def own() -> list[str]:
    """The values of the labels OWN."""
    return [f"{socket.gethostname()}.{os.getpid()}", str(roles.current())]


def gauge(name: str, sentence: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, sentence, labels=OWN)
    family.add_metric(own(), value)
    return family


def gauges(name: str, sentence: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, sentence, labels=[*OWN, label])
    for key, value in values.items():
        family.add_metric([*own(), key], value)
    return family


def counter(name: str, sentence: str, value: float) -> CounterMetricFamily:
    family = CounterMetricFamily(name, sentence, labels=OWN)
    family.add_metric(own(), value)
    return family


def counters(name: str, sentence: str, tally: Tally) -> CounterMetricFamily:
    family = CounterMetricFamily(name, sentence, labels=[*OWN, *tally.labels])
    for names, count in tally.counts().items():
        family.add_metric([*own(), *names], count)
    return family


def histogram(
    name: str, sentence: str, spreads: Mapping[tuple[str, ...], Spread], *labels: str
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, sentence, labels=[*OWN, *labels])
    for names, spread in spreads.items():
        family.add_metric([*own(), *names], spread.buckets(), spread.total)
    return family


class SystemCollector(Collector):
    """Memory, CPU and open files of this process, with the labels OWN."""

    def __init__(self) -> None:
        self._process = ProcessCollector(registry=CollectorRegistry())

    def collect(self) -> Iterable[Metric]:
        names = dict(zip(OWN, own(), strict=True))
        for family in self._process.collect():
            named = Metric(family.name, family.documentation, family.type, family.unit)
            for sample in family.samples:
                named.add_sample(sample.name, names | sample.labels, sample.value)
            yield named
