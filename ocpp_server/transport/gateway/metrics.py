"""Metrics of a gateway: its sockets, the frames it pushed and the envelopes it took."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ocpp_server.observability.families import counter, gauge, gauges
from ocpp_server.protocol.versions import VERSIONS


class GatewayCollector(Collector):
    """Collects the figures of this process's gateway, without a call to Redis."""

    def collect(self) -> Iterator[Metric]:
        # Inside: importing `front` creates a gateway, and only a gateway process should have one.
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
            "ocpp_gateway_stations_unpushed", "Stations with frames not yet in Redis.", gateway.uplink.waiting
        )
        yield gauge("ocpp_gateway_redis_up", "1 while Redis accepts frames.", gateway.up_since is not None)
        yield counter("ocpp_gateway_frames", "Frames pushed to the queue.", gateway.uplink.frames)
        yield counter("ocpp_gateway_pushes", "Calls to Redis that pushed frames.", gateway.uplink.pushes)
        yield counter("ocpp_gateway_answers", "Envelopes taken from the queue.", gateway.downlink.answers)
        yield counter("ocpp_gateway_takes", "Calls to Redis that took envelopes.", gateway.downlink.takes)
