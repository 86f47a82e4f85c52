"""Metrics of the queue between gateways and processors, read from Redis at each scrape."""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from ocpp_server.observability.families import gauge
from ocpp_server.transport.queue.depth import Depth, read_depth

log = structlog.get_logger(__name__)

TIMEOUT_S = 1.0


class QueueCollector(Collector):
    """Collects the length of the queue and the numbers of gateways and processors. During an outage of Redis
    only `ocpp_redis_up` has a value.
    """

    def collect(self) -> Iterator[Metric]:
        depth: Depth | None
        try:
            depth = read_depth(within=TIMEOUT_S)
        except (RedisError, OSError) as error:
            log.warning("metrics.redis_away", error=str(error))
            depth = None
        yield gauge("ocpp_redis_up", "1 when Redis answered this scrape.", float(depth is not None))
        for name, sentence, value in (
            (
                "ocpp_queue_stations",
                "Stations at gateways with messages that are unread or being handled.",
                depth and depth.stations,
            ),
            ("ocpp_queue_messages", "Unread messages of stations at gateways.", depth and depth.messages),
            ("ocpp_queue_oldest_seconds", "Age of the oldest unread message.", depth and depth.oldest_s),
            ("ocpp_queue_dead_letters", "Messages given up after five attempts.", depth and depth.dead),
            (
                "ocpp_queue_calls",
                "Stations at gateways with a command in flight or waiting.",
                depth and depth.calls,
            ),
            ("ocpp_gateways", "Gateways alive.", depth and depth.gateways),
            ("ocpp_processors", "Processors alive.", depth and depth.processors),
        ):
            family = GaugeMetricFamily(name, sentence)
            if value is not None:
                family.add_metric((), value)
            yield family
