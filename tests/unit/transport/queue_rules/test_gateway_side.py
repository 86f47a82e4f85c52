"""The figures and the codes that a gateway exchanges with the scripts of the queue."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.transport.queue import gateway_side
from ocpp_server.transport.queue.gateway_side import (
    ANSWERS_WAIT,
    IS_MISSING,
    IS_REPLACED,
    KEPT,
    MISSING,
    REPLACED,
    Batch,
    GatewayQueue,
    QueueTooLong,
    Sweeper,
)
from ocpp_server.transport.queue.keys import QueueKeys


class WireDouble:
    """Notes the arguments of each script, and returns what the test has prepared."""

    def __init__(self, reply: Any) -> None:
        self.arguments: tuple[Any, ...] = ()
        self._reply = reply

    async def run(self, used: Any, keys: list[str], *arguments: Any, **more: Any) -> Any:
        self.arguments = arguments
        return self._reply

    async def call(self, *parts: Any) -> Any:
        return b"OK"


@pytest.fixture
def queue() -> GatewayQueue:
    return GatewayQueue("gw")


async def test_a_gateway_accepts_no_connection_with_more_than_500_unread_messages(
    queue: GatewayQueue,
) -> None:
    wire: Any = WireDouble([b"full", []])

    with pytest.raises(QueueTooLong):
        await queue.connect(wire, "A", "s1", {"protocol": ""})

    assert wire.arguments[6] == 500


async def test_a_take_asks_for_16_answers_of_each_of_256_stations(queue: GatewayQueue) -> None:
    wire: Any = WireDouble(b"")

    assert await queue.take(wire, 1, ["A"], block_s=0) == []

    assert wire.arguments[3:] == (256, 16, "A")


async def test_a_sweep_asks_for_500_stations(monkeypatch: pytest.MonkeyPatch) -> None:
    wire: Any = WireDouble([])
    now = iter((1000.0, 2000.0))
    monkeypatch.setattr(gateway_side, "time", SimpleNamespace(monotonic=lambda: next(now)))
    sweeper = Sweeper(wire, QueueKeys("p"))

    assert [await sweeper.sweep(), await sweeper.sweep()] == [[], []]

    assert wire.arguments[-1] == 500


async def test_a_push_is_refused_by_a_negative_length(queue: GatewayQueue) -> None:
    wire: Any = WireDouble(b"3,-1,-2")

    lengths = await queue.push(wire, [Batch("A", "s1", 1, [b"frame"])])

    assert lengths == [3, REPLACED, MISSING]


async def test_the_state_of_each_station_is_a_letter(queue: GatewayQueue) -> None:
    wire: Any = WireDouble(b"kamr")

    states = await queue.refresh(wire, [(name, "s1") for name in "ABCD"])

    assert list(states) == [KEPT, ANSWERS_WAIT, IS_MISSING, IS_REPLACED]
