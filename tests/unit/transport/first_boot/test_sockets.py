"""The socket of an unknown station: its wait for the boot, its limits and its end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.transport.handshake import first_boot
from ocpp_server.transport.handshake.admission import Admitted, Handshake, Refusal, Unknown
from ocpp_server.transport.handshake.first_boot import UnknownSocket
from ocpp_server.transport.handshake.known_station import KnownStation
from tests.unit.transport.first_boot.newcomer import BOOT, HANDSHAKE, ROW, V16, Entered, Socket


async def test_a_station_that_does_not_boot_is_asked_to_and_closed_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(first_boot, "ASK_S", 0.01)
    monkeypatch.setattr(first_boot, "BOOT_S", 0.05)
    socket = Socket()
    conversation = asyncio.create_task(socket.until_end())

    asked, closed = await socket.sent.get(), await socket.sent.get()
    socket.receives(type="websocket.receive", text='[2,"1","Heartbeat",{}]')
    socket.receives(type="websocket.disconnect", code=1008)

    assert await conversation == 1008
    assert json.loads(asked["text"])[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert "No BootNotification" in closed["reason"]
    assert socket.sent.empty()


async def test_a_shutdown_finds_the_socket_and_closes_it() -> None:
    socket = Socket()
    conversation = asyncio.create_task(socket.until_end())
    await asyncio.sleep(0)

    (waiting,) = first_boot.waiting()
    await waiting.finish(1001, "The server is going away.")
    socket.receives(type="websocket.disconnect", code=1001)

    assert await conversation == 1001
    assert (await socket.sent.get())["code"] == 1001
    assert first_boot.waiting() == []


async def test_a_process_keeps_a_bounded_number_of_unknown_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_boot, "MAX_WAITING", 1)
    socket = Socket()
    conversation = asyncio.create_task(socket.until_end())
    await asyncio.sleep(0)

    with pytest.raises(Refusal) as refusal:
        Socket()
    socket.receives(type="websocket.disconnect", code=1000)
    await conversation
    Socket()

    assert refusal.value.status == 503


async def test_a_binary_message_closes_the_socket_with_1003() -> None:
    socket = Socket()
    socket.receives(type="websocket.receive", bytes=b"[]")
    socket.receives(type="websocket.disconnect", code=1003)

    assert await socket.until_end() == 1003
    assert (await socket.sent.get())["code"] == 1003


async def test_the_boot_ends_the_conversation_with_the_admitted_station() -> None:
    socket = Entered()
    socket.receives(type="websocket.receive", text='[2,"0","Heartbeat",{}]')
    socket.receives(type="websocket.receive", text=BOOT)

    assert await socket.station.until_boot() == (Admitted(ROW, V16, V16), BOOT)

    answer = await socket.sent.get()
    assert answer["type"] == "websocket.send" and json.loads(answer["text"])[2] == "SecurityError"
    assert socket.sent.empty() and first_boot.waiting() == []


async def test_a_station_that_left_is_recorded_with_what_it_sent(
    stored: list[tuple[Handshake, Refusal]],
) -> None:
    socket = Socket()
    socket.receives(type="websocket.receive", text='[2,"0","Heartbeat",{}]')
    socket.receives(type="websocket.disconnect", code=1001)

    assert await socket.until_end() == 1001

    assert [refusal.reason.endswith("not Heartbeat.") for _, refusal in stored] == [True]


async def test_after_a_close_nothing_more_is_sent_and_no_boot_is_handled(
    stored: list[tuple[Handshake, Refusal]],
) -> None:
    socket = Entered()
    await socket.station.finish(1001, "x" * 500)
    await socket.station.finish(1002, "again")
    socket.receives(type="websocket.receive", text=BOOT)
    socket.receives(type="websocket.disconnect", code=1001)

    assert await socket.until_end() == 1001

    assert await socket.sent.get() == {"type": "websocket.close", "code": 1001, "reason": "x" * 120}
    assert socket.sent.empty() and stored == []


async def test_a_station_that_can_not_be_served_is_closed_with_the_code() -> None:
    socket = Socket()

    ended = await socket.station.end(1013, "Later.")

    assert (ended.code, str(ended)) == (1013, "1013")
    assert await socket.sent.get() == {"type": "websocket.close", "code": 1013, "reason": "Later."}
    assert not socket.station.is_awaited


async def test_a_client_that_closes_at_the_same_time_is_no_error() -> None:
    async def send(message: dict[str, Any]) -> None:
        raise OSError

    station = UnknownSocket(HANDSHAKE, Unknown(V16, None), asyncio.Event().wait, send)

    await station.finish(1001, "Away.")


async def test_a_boot_that_can_not_be_stored_closes_with_try_again() -> None:
    socket = Socket()

    async def enter(handshake: Handshake) -> KnownStation:
        raise StorageUnavailable

    socket.station._boot._enter = enter
    socket.receives(type="websocket.receive", text=BOOT)
    socket.receives(type="websocket.disconnect", code=1013)

    assert await socket.until_end() == 1013
    assert (await socket.sent.get())["code"] == 1013


async def test_a_fast_station_is_slowed_down(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OCPP_STATION_RATE = 1
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    monkeypatch.setattr(first_boot.asyncio, "sleep", sleep)
    socket = Socket()
    for number in range(7):
        socket.receives(type="websocket.receive", text=f'[2,"{number}","Heartbeat",{{}}]')
    socket.receives(type="websocket.disconnect", code=1000)

    await socket.until_end()

    assert len(delays) == 2 and 0 < delays[0] < delays[1] <= 2


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"code": 1000}, 1000),
        ({"code": 1001, "reason": ""}, 1001),
        ({"code": 1005}, 1006),
        ({"code": 1005, "reason": ""}, 1005),
        ({"code": None}, 1006),
        ({}, 1006),
    ],
)
def test_the_close_code_of_a_disconnect(message: dict[str, Any], code: int) -> None:
    assert first_boot.close_code(message) == code


def test_the_limits_of_an_unknown_station() -> None:
    """Documented for operators: docs and the reasons of refusals name them."""
    assert (first_boot.MAX_WAITING, first_boot.ASK_S, first_boot.BOOT_S) == (2_000, 10.0, 120.0)
