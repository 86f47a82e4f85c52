"""The time that the socket of an unknown station has until its first boot, and how many there are."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ocpp_server.protocol.versions import V16
from ocpp_server.transport.handshake import admission, denial, first_boot
from ocpp_server.transport.handshake.admission import Handshake, Refusal, Unknown
from ocpp_server.transport.handshake.first_boot import Ended, UnknownSocket
from ocpp_server.transport.handshake.per_minute import PerMinute
from tests.unit.transport.clock import Clock
from tests.unit.transport.handshakes import handshake

HANDSHAKE = handshake("NEW")


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch, first_boot)


@pytest.fixture(autouse=True)
def reasons(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stored reasons of refusals."""
    found: list[str] = []

    async def record(handshake: Handshake, refusal: Refusal) -> None:
        found.append(refusal.reason)

    monkeypatch.setattr(admission, "record", record)
    monkeypatch.setattr(denial, "_recorded", PerMinute())
    return found


class Socket:
    """The socket of an unknown station. `sent` has each message with its second."""

    def __init__(self, clock: Clock) -> None:
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self._clock, self._reads = clock, 0
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._socket = UnknownSocket(HANDSHAKE, Unknown(V16, V16), self._receive, self._send)
        self.conversation = asyncio.create_task(self._socket.until_boot())

    async def ends(self, code: int = 1001) -> int:
        """Let the station disconnect; the code with which the conversation ends."""
        self._received.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
        with pytest.raises(Ended) as ended:
            await self.conversation
        return ended.value.code

    async def closes(self, code: int) -> None:
        await self._socket.finish(code, "The server is going away.")

    async def _receive(self) -> dict[str, Any]:
        self._reads += 1
        assert self._reads < 20, "The socket is read again and again."
        return await self._received.get()

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append((self._clock.now, message))


async def test_a_silent_station_is_asked_after_ten_seconds_and_closed_after_two_minutes(
    clock: Clock, reasons: list[str]
) -> None:
    socket = Socket(clock)

    await asyncio.sleep(300)

    (asked_at, asked), (closed_at, closed) = socket.sent
    assert (asked_at, json.loads(asked["text"])[2]) == (10, "TriggerMessage")
    assert (closed_at, closed["type"], closed["code"]) == (120, "websocket.close", 1008)
    assert closed["reason"] == "No BootNotification within 120 seconds."
    assert await socket.ends(1008) == 1008
    assert reasons == ["An unknown station has to send a BootNotification first within 120 seconds."]


async def test_a_station_that_leaves_before_its_two_minutes_are_over_is_not_shown(
    clock: Clock, reasons: list[str]
) -> None:
    socket = Socket(clock)

    await asyncio.sleep(119)

    assert await socket.ends() == 1001
    assert reasons == []


async def test_a_station_that_the_server_has_closed_is_neither_asked_nor_shown_as_silent(
    clock: Clock, reasons: list[str]
) -> None:
    socket = Socket(clock)
    await asyncio.sleep(1)
    await socket.closes(1001)

    await asyncio.sleep(300)

    assert [message["type"] for _, message in socket.sent] == ["websocket.close"]
    assert await socket.ends() == 1001
    assert reasons == []


async def test_a_process_keeps_two_thousand_sockets_of_unknown_stations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opens(others: int) -> UnknownSocket:
        monkeypatch.setattr(first_boot, "_waiting", set(range(others)))
        return UnknownSocket(HANDSHAKE, Unknown(V16, V16), None, None)

    assert opens(1_999)
    with pytest.raises(Refusal) as refused:
        opens(2_000)

    assert (refused.value.status, "2,000" in refused.value.reason) == (503, True)
