"""The messages of an unknown station: everything but a valid BootNotification is a SecurityError."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from ocpp_server.transport.handshake import first_boot
from ocpp_server.transport.handshake.admission import Handshake, KnownStation, Refusal, Unknown
from ocpp_server.transport.handshake.first_boot import Ended, FirstBoot, UnknownSocket

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
BOOTS: dict[str, dict[str, Any]] = {
    V16: {"chargePointVendor": "Vendor", "chargePointModel": "Model"},
    V201: {"reason": "PowerUp", "chargingStation": {"vendorName": "Vendor", "model": "Model"}},
    V21: {"reason": "PowerUp", "chargingStation": {"vendorName": "Vendor", "model": "Model"}},
}
ROW = cast("KnownStation", object())
HANDSHAKE = Handshake(
    path="/ocpp/NEW",
    identity="NEW",
    offered=[],
    address="192.0.2.1",
    authorization=None,
    origin="",
    is_tls=False,
    protocol_header="",
)


class Newcomer:
    """An unknown station, with what it was sent. `refusal` refuses its boot."""

    def __init__(self, version: str, refusal: Refusal | None = None) -> None:
        self.sent: list[list[Any]] = []
        self.closed: list[tuple[int, str]] = []
        self.entered = 0
        self._refusal = refusal
        self._boot = FirstBoot(HANDSHAKE, version, send=self._send, close=self._close, enter=self._enter)

    async def sends(self, *frame: Any) -> KnownStation | None:
        return await self._boot.received(json.dumps(frame))

    async def is_asked(self) -> None:
        await self._boot.ask()

    async def _send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def _close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    async def _enter(self, handshake: Handshake) -> KnownStation:
        if self._refusal is not None:
            raise self._refusal
        self.entered += 1
        return ROW


@pytest.fixture(params=BOOTS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_boot_enters_the_station_and_is_not_answered_here(version: str) -> None:
    station = Newcomer(version)

    assert await station.sends(2, "1", "BootNotification", BOOTS[version]) is ROW

    assert station.sent == []


@pytest.mark.parametrize("action", ["Heartbeat", "StatusNotification", "TransactionEvent", "Nonsense"])
async def test_everything_else_is_a_security_error(version: str, action: str) -> None:
    station = Newcomer(version)

    assert await station.sends(2, "1", action, {}) is None
    assert await station.sends(2, "1", action, {}) is None

    assert [frame[:3] for frame in station.sent] == [[4, "1", "SecurityError"]] * 2
    assert "BootNotification first" in station.sent[0][3]
    assert await station.sends(2, "2", "BootNotification", BOOTS[version]) is ROW


@pytest.mark.parametrize("payload", [{}, [], "text", {"chargePointVendor": {}}, {"reason": "PowerUp"}])
async def test_a_boot_that_would_be_refused_enters_nothing(version: str, payload: Any) -> None:
    station = Newcomer(version)

    assert await station.sends(2, "1", "BootNotification", payload) is None

    assert [frame[:2] for frame in station.sent] == [[4, "1"]]
    assert station.entered == 0


async def test_a_station_that_can_not_be_added_now_is_rejected_and_boots_again_later(version: str) -> None:
    station = Newcomer(version, Refusal(404, "Self-registration limit reached."))

    assert await station.sends(2, "1", "BootNotification", BOOTS[version]) is None

    ((kind, message_id, answer),) = station.sent
    assert (kind, message_id, answer["status"]) == (3, "1", "Rejected")
    assert 60 <= answer["interval"] <= 66
    assert station.closed == []


async def test_a_station_that_got_a_password_meanwhile_and_has_not_proved_it_is_closed(version: str) -> None:
    station = Newcomer(version, Refusal(401, "The password is wrong.", security="FailedStationLogin"))

    assert await station.sends(2, "1", "BootNotification", BOOTS[version]) is None

    assert station.sent == []
    assert station.closed == [(1008, "The password is wrong.")]


async def test_the_station_is_asked_to_boot_and_its_answer_is_ignored(version: str) -> None:
    station = Newcomer(version)

    await station.is_asked()
    ((kind, message_id, action, payload),) = station.sent
    assert await station.sends(4, message_id, "NotImplemented", "", {}) is None

    assert (kind, action, payload) == (2, "TriggerMessage", {"requestedMessage": "BootNotification"})
    assert len(station.sent) == 1


async def test_broken_frames_close_the_socket_in_the_end() -> None:
    station = Newcomer(V201)

    for _ in range(100):
        await station.sends("broken")

    assert station.closed[0][0] == 1002


class Socket:
    """The ASGI channels of an unknown station's socket."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        unknown = Unknown(version=V16, subprotocol=V16)
        self.station = UnknownSocket(HANDSHAKE, unknown, self._received.get, self.sent.put)

    def receives(self, **message: Any) -> None:
        self._received.put_nowait(message)

    async def until_end(self) -> int:
        """Run the conversation to its end; returns the close code."""
        with pytest.raises(Ended) as ended:
            await self.station.until_boot()
        return ended.value.code


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
