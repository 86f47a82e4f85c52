"""The metrics of a gateway: its sockets by version, and what it has pushed and taken."""

from __future__ import annotations

import pytest

from ocpp_server.transport.gateway import front
from ocpp_server.transport.gateway.metrics import GatewayCollector
from ocpp_server.transport.gateway.process import Gateway
from tests.unit.transport.gateway.world import at, call


@pytest.fixture(autouse=True)
def _gateway_of_the_process(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "gateway", gateway)


def samples() -> dict[str, float]:
    """The values by name, that of each version with the version behind its name."""
    return {
        " ".join([sample.name, sample.labels.get("version", "")]).strip(): sample.value
        for family in GatewayCollector().collect()
        for sample in family.samples
    }


async def test_an_idle_gateway_has_the_count_zero_for_everything() -> None:
    assert samples() == {
        "ocpp_gateway_sockets ocpp1.6": 0,
        "ocpp_gateway_sockets ocpp2.0.1": 0,
        "ocpp_gateway_sockets ocpp2.1": 0,
        "ocpp_gateway_sockets_unread": 0,
        "ocpp_gateway_stations_unpushed": 0,
        "ocpp_gateway_redis_up": 0,
        "ocpp_gateway_frames_total": 0,
        "ocpp_gateway_pushes_total": 0,
        "ocpp_gateway_answers_total": 0,
        "ocpp_gateway_takes_total": 0,
    }


async def test_sockets_are_counted_by_version_and_those_that_are_not_read(gateway: Gateway) -> None:
    for identity in "ABC":
        station = at(gateway, identity, identity)
        await gateway.arrive(station.socket)
        if identity != "A":
            station.says(*[call("m")] * 16)
            station.socket.queue_has(0)

    found = samples()

    assert found["ocpp_gateway_sockets ocpp1.6"] == 3
    assert found["ocpp_gateway_sockets_unread"] == 2
    assert found["ocpp_gateway_stations_unpushed"] == 2


async def test_the_figures_are_those_of_the_gateway(gateway: Gateway) -> None:
    gateway.uplink.frames, gateway.uplink.pushes = 5, 4
    gateway.downlink.answers, gateway.downlink.takes = 3, 2
    gateway.up_since = 0.0

    found = samples()

    assert [found[f"ocpp_gateway_{name}_total"] for name in ("frames", "pushes", "answers", "takes")] == [
        5,
        4,
        3,
        2,
    ]
    assert found["ocpp_gateway_redis_up"] == 1
