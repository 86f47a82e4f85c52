"""A station's WebSocket at a gateway: its frames, its end, and the boot of an unknown station."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.observability import measures
from ocpp_server.transport.gateway import front
from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.queue import envelope
from tests.redis_scripts import QueueBench
from tests.unit.transport.gateway.visitor import Visitor, counted, frames
from tests.unit.transport.gateway.world import Clock, call, result, session_of, settle

BOOT = '[2,"b1","BootNotification",{"chargePointVendor":"Vendor","chargePointModel":"Model"}]'


# -- frames --------------------------------------------------------------------------------------------


async def test_frames_are_queued_in_order_and_with_the_name_of_the_gateway(opened: Gateway) -> None:
    visitor = await Visitor().enters()

    await visitor.says(call("1"), "no JSON")

    (socket,) = opened.sockets.values()
    assert frames(opened) == [call("1"), "no JSON"]
    assert envelope.parse(socket.outbox[0]).ws_server_id == opened.server_id
    await visitor.ends()


async def test_an_answer_is_sent_to_the_station(opened: Gateway) -> None:
    visitor = await Visitor().enters()
    (socket,) = opened.sockets.values()

    await socket.deliver(envelope.pack_frame(result("1"), "CP-1"))

    assert visitor.sent[1:] == [{"type": "websocket.send", "text": result("1")}]
    await visitor.ends()


async def test_the_extensions_of_the_http_server_are_used(opened: Gateway) -> None:
    pings: list[int] = []
    visitor = await Visitor(ping=lambda: pings.append(1)).enters()
    (socket,) = opened.sockets.values()

    socket.ping()

    assert pings == [1]
    await visitor.ends()


async def test_a_binary_frame_closes_the_socket_and_later_frames_are_discarded(opened: Gateway) -> None:
    visitor = await Visitor().enters()

    visitor.incoming.put_nowait({"type": "websocket.receive", "bytes": b"[]"})
    await visitor.says(call("1"))

    assert visitor.sent[1:] == [{"type": "websocket.close", "code": 1003, "reason": "OCPP-J is text."}]
    assert frames(opened) == []
    await visitor.ends()


async def test_a_socket_whose_frames_are_not_pushed_is_not_read(opened: Gateway) -> None:
    visitor = await Visitor().enters()

    await visitor.says(*[call("m")] * 17)

    (socket,) = opened.sockets.values()
    assert (len(socket.outbox), visitor.incoming.qsize()) == (16, 1)
    socket.pushed(2, 0)
    await settle()
    assert visitor.incoming.qsize() == 0
    await visitor.ends()


async def test_a_lost_socket_that_is_not_read_ends_as_1006(
    opened: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocpp_server.transport.gateway.socket.CHECK_S", 0.001)
    before = counted(measures.closes, "1006")
    visitor = await Visitor(lost=lambda: True).enters()

    await visitor.says(*[call("m")] * 16)
    await visitor.ends(None)

    assert counted(measures.closes, "1006") == before + 1
    assert opened.sockets == {}


async def test_a_station_that_sends_too_fast_is_read_more_slowly(
    opened: Gateway, monkeypatch: pytest.MonkeyPatch, settings: Any, clock: Clock
) -> None:
    settings.OCPP_STATION_RATE = 2
    sleep, waits = asyncio.sleep, []

    async def noted(seconds: float) -> None:
        if seconds:
            waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr("asyncio.sleep", noted)
    monkeypatch.setattr(front, "time", clock)
    visitor = await Visitor().enters()

    await visitor.says(*[call("m")] * 12)
    await settle()

    assert waits == [0.5, 1.0]
    assert len(frames(opened)) == 12
    await visitor.ends()


# -- the end -------------------------------------------------------------------------------------------


async def test_a_closed_socket_leaves_the_gateway_with_its_code(opened: Gateway) -> None:
    visitor = await Visitor().enters()
    (socket,) = opened.sockets.values()
    before = counted(measures.closes, "1001")

    await visitor.ends(1001)

    assert opened.sockets == {}
    assert socket.ended == "The socket was closed with 1001."
    assert counted(measures.closes, "1001") == before + 1


async def test_a_station_that_is_gone_before_it_is_accepted_leaves_the_gateway(opened: Gateway) -> None:
    visitor = Visitor()
    visitor.error = OSError("gone")
    before = counted(measures.closes, "1006")

    await visitor.connects().ends(None)

    assert opened.sockets == {}
    assert counted(measures.closes, "1006") == before + 1


# -- unknown stations ----------------------------------------------------------------------------------


async def test_an_unknown_station_is_registered_with_its_boot_and_the_boot_is_queued(
    opened: Gateway, bench: QueueBench
) -> None:
    visitor = await Visitor("NEW").enters()
    assert (visitor.status, opened.sockets) == (101, {})
    assert visitor.sent[0]["subprotocol"] == "ocpp1.6"

    visitor.incoming.put_nowait({"type": "websocket.receive", "text": BOOT})
    async with asyncio.timeout(10):
        while not opened.sockets or not frames(opened):
            await asyncio.sleep(0.001)

    assert frames(opened) == [BOOT]
    (socket,) = opened.sockets.values()
    await socket.deliver(envelope.pack_frame(result("b1"), "NEW"))
    assert visitor.sent[1:] == [{"type": "websocket.send", "text": result("b1")}]
    assert session_of(bench, "NEW")["remote_addr"] == "192.0.2.1"
    await visitor.ends()


async def test_an_unknown_station_that_leaves_before_its_boot_ends_with_its_code(opened: Gateway) -> None:
    visitor = await Visitor("NEW").enters()
    before = counted(measures.closes, "1001")

    await visitor.ends(1001)

    assert counted(measures.closes, "1001") == before + 1
    assert len(visitor.sent) == 1


async def test_a_booted_station_that_cannot_be_registered_tries_again_later(
    opened: Gateway, bench: QueueBench
) -> None:
    bench.client.lpush(bench.keys.requests("NEW"), *["m"] * 501)
    visitor = await Visitor("NEW").enters()
    before = counted(measures.closes, "1013")

    await visitor.says(BOOT)
    await visitor.gets(2)
    await visitor.ends(None)

    assert visitor.sent[1:] == [{"type": "websocket.close", "code": 1013, "reason": "Try again later."}]
    assert counted(measures.closes, "1013") == before + 1
    assert opened.sockets == {}
