"""The sockets of a gateway and their way into the queue."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ocpp_server.observability.families import counter, gauge, gauges
from ocpp_server.protocol.versions import VERSIONS


class GatewayCollector(Collector):
    """The figures of the gateway of this process, without a call to Redis."""

    def collect(self) -> Iterator[Metric]:
        # `front` makes the gateway of this process at import; only a process that collects from one needs it.
        from ocpp_server.transport.gateway.front import gateway

        held = dict.fromkeys(map(str, VERSIONS), 0.0)
        stopped = 0
        for socket in list(gateway.sockets.values()):
            held[socket.protocol] += 1
            stopped += socket.is_stopped
        yield gauges(
            "ocpp_gateway_sockets", "Station sockets this gateway holds, by OCPP version.", "version", held
        )
        yield gauge("ocpp_gateway_sockets_unread", "Sockets not read: their queues are too long.", stopped)
        yield gauge(
            "ocpp_gateway_stations_unpushed", "Stations whose words wait for Redis.", gateway.uplink.waiting
        )
        yield gauge(
            "ocpp_gateway_redis_up", "1 while Redis takes what stations say.", gateway.up_since is not None
        )
        yield counter("ocpp_gateway_frames", "Frames brought into the queue.", gateway.uplink.frames)
        yield counter("ocpp_gateway_pushes", "Questions to Redis that brought them.", gateway.uplink.pushes)
        yield counter("ocpp_gateway_answers", "Envelopes of the server taken.", gateway.downlink.answers)
        yield counter("ocpp_gateway_takes", "Questions to Redis that took them.", gateway.downlink.takes)
