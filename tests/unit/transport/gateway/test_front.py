"""A station's WebSocket at a gateway, as the HTTP server drives it: handshake, frames and end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from redis.exceptions import ConnectionError as RedisConnectionError

from ocpp_server.observability import measures
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport.gateway import front
from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.handshake import admission, duplicates
from ocpp_server.transport.handshake.per_minute import DistinctPerMinute
from ocpp_server.transport.queue import envelope
from tests.redis_scripts import QueueBench
from tests.unit.transport.gateway.world import Clock, call, result, session_of, settle
from tests.unit.transport.test_admission import Journal, Row, Stations

BOOT = '[2,"b1","BootNotification",{"chargePointVendor":"Vendor","chargePointModel":"Model"}]'


class Visitor:
    """A client of the gateway. `sent` has the ASGI messages that it gets."""

    def __init__(self, identity: str = "CP-1", **extensions: Any) -> None:
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "path": f"/ocpp/{identity}",
            "headers": [(b"sec-websocket-protocol", b"ocpp1.6")],
            "subprotocols": ["ocpp1.6"],
            "client": ("192.0.2.1", 4711),
            "extensions": {"websocket.http.response": {}}
            | {f"ocpp.{name}": value for name, value in extensions.items()},
        }
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.task: asyncio.Task[None] | None = None
        self._sent = asyncio.Event()

    def connects(self) -> Visitor:
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(front.station(self.scope, self.incoming.get, self._send))
        return self

    async def enters(self) -> Visitor:
        """Connect, and wait for the answer to the handshake."""
        self.connects()
        return await self.gets(1)

    async def gets(self, messages: int) -> Visitor:
        async with asyncio.timeout(10):
            while len(self.sent) < messages:
                self._sent.clear()
                await self._sent.wait()
        await settle()
        return self

    async def says(self, *texts: str) -> None:
        for text in texts:
            self.incoming.put_nowait({"type": "websocket.receive", "text": text})
        await settle()

    async def ends(self, code: int | None = 1000) -> None:
        if code is not None:
            self.incoming.put_nowait({"type": "websocket.disconnect", "code": code})
        assert self.task is not None
        async with asyncio.timeout(10):
            await self.task

    async def _send(self, message: dict[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(message)
        self._sent.set()

    @property
    def status(self) -> int:
        """The HTTP status; 101 for an opened socket."""
        first = self.sent[0]
        return 101 if first["type"] == "websocket.accept" else int(first["status"])


@pytest_asyncio.fixture
async def opened(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    """The gateway of the process, open for stations. It pushes nothing."""
    monkeypatch.setattr(front, "gateway", gateway)
    await gateway._tick()
    yield gateway


@pytest.fixture(autouse=True)
def stations(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Stations:
    settings.OCPP_UNKNOWN_STATIONS = "register"
    settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = 100
    settings.OCPP_HEARTBEAT_INTERVAL, settings.OCPP_PING_INTERVAL = 50, 10
    settings.OCPP_STATION_RATE = 0
    settings.FORWARDED_ALLOW_IPS = ""
    stored = Stations()
    monkeypatch.setattr(admission.port, "app", stored)
    monkeypatch.setattr(admission, "journal", Journal())
    monkeypatch.setattr(admission, "_unknown", DistinctPerMinute())
    return stored


def frames(gateway: Gateway) -> list[str]:
    """The frames of the only socket that are not pushed yet."""
    (socket,) = gateway.sockets.values()
    return [envelope.parse(packed).frame for packed in socket.outbox]


def counted(tally: measures.Tally, *names: str) -> int:
    return tally.counts().get(names, 0)


# -- the handshake -------------------------------------------------------------------------------------


async def test_a_known_station_is_accepted_and_registered(opened: Gateway, bench: QueueBench) -> None:
    before = counted(measures.handshakes, "accepted")
    visitor = await Visitor().enters()

    assert visitor.sent == [{"type": "websocket.accept", "subprotocol": "ocpp1.6"}]
    assert counted(measures.handshakes, "accepted") == before + 1
    stored = session_of(bench, "CP-1")
    (socket,) = opened.sockets.values()
    assert (stored["remote_addr"], stored["protocol"]) == ("192.0.2.1", "ocpp1.6")
    assert datetime.fromisoformat(stored["connected_at"]).tzinfo is not None
    assert stored["session_id"] == socket.session_id
    await visitor.ends()


async def test_each_connection_has_a_session_of_its_own(opened: Gateway, stations: Stations) -> None:
    stations.rows["CP-2"] = Row("CP-2")
    visitors = [await Visitor(identity).enters() for identity in ("CP-1", "CP-2")]

    sessions = {socket.session_id for socket in opened.sockets.values()}

    assert len(sessions) == 2
    assert all(len(session) == 36 for session in sessions)
    for visitor in visitors:
        await visitor.ends()


@pytest.mark.parametrize(("interval", "seconds"), [(100, 300), (0, 150)])
async def test_a_station_may_be_silent_for_three_heartbeats(
    opened: Gateway, stations: Stations, clock: Clock, interval: int, seconds: int
) -> None:
    stations.rows["CP-1"] = Row(heartbeat_interval=interval)
    visitor = await Visitor().enters()

    (socket,) = opened.sockets.values()

    assert not socket.is_silent(clock.now + seconds)
    assert socket.is_silent(clock.now + seconds + 1)
    await visitor.ends()


async def test_a_client_that_leaves_before_its_handshake_gets_nothing(opened: Gateway) -> None:
    visitor = Visitor()
    visitor.incoming.put_nowait({"type": "websocket.disconnect", "code": 1006})

    await front.station(visitor.scope, visitor.incoming.get, visitor._send)

    assert (visitor.sent, opened.sockets) == ([], {})


async def test_a_refused_station_gets_the_status_and_the_refusal_is_stored(
    opened: Gateway, stations: Stations, settings: Any
) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "refuse"

    visitor = Visitor("NOBODY").connects()
    await visitor.ends(None)

    assert visitor.status == 404
    assert [handshake.identity for handshake, _ in stations.recorded] == ["NOBODY"]
    assert opened.sockets == {}


async def test_a_gateway_without_redis_lets_stations_try_again_later(
    opened: Gateway, stations: Stations, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(stations, "find", asked.extend)
    opened.up_since = None

    visitor = Visitor().connects()
    await visitor.ends(None)

    assert visitor.status == 503
    assert asked == []


async def test_a_station_with_a_full_queue_tries_again_later(opened: Gateway, bench: QueueBench) -> None:
    bench.client.lpush(bench.keys.requests("CP-1"), *["m"] * 501)

    visitor = Visitor().connects()
    await visitor.ends(None)

    assert visitor.status == 503


@pytest.mark.parametrize("error", [StorageUnavailable("away"), RedisConnectionError("away")])
async def test_a_handshake_that_cannot_be_checked_is_tried_again_later(
    opened: Gateway, stations: Stations, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def find(identities: list[str]) -> Any:
        raise error

    monkeypatch.setattr(stations, "find", find)

    visitor = Visitor().connects()
    await visitor.ends(None)

    assert visitor.status == 503


async def test_a_second_device_that_may_not_enter_is_not_registered(
    opened: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    async def may_enter(admitted: Any, handshake: Any, *, scope: Any, receive: Any, send: Any) -> bool:
        asked.append((admitted.charge_point.identity, handshake.identity, scope, receive, send))
        return False

    monkeypatch.setattr(duplicates, "may_enter", may_enter)

    visitor = Visitor().connects()
    await visitor.ends(None)

    assert (visitor.sent, opened.sockets) == ([], {})
    assert asked == [("CP-1", "CP-1", visitor.scope, visitor.incoming.get, visitor._send)]


class SlowJournal(Journal):
    """A database that hangs until the gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.waiting = 0

    async def run_batched(self, many: Any, item: str) -> Any:
        self.waiting += 1
        await self.gate.wait()
        return await super().run_batched(many, item)


@pytest.mark.parametrize(("is_down", "admitted"), [(True, 16), (False, 18)])
async def test_only_16_handshakes_wait_for_a_database_that_is_away(
    opened: Gateway, monkeypatch: pytest.MonkeyPatch, is_down: bool, admitted: int
) -> None:
    slow = SlowJournal()
    monkeypatch.setattr(admission, "journal", slow)
    monkeypatch.setattr(journal, "down_since", 1.0 if is_down else None)
    visitors = [Visitor(f"CP-{number}").connects() for number in range(18)]
    await settle()

    assert slow.waiting == admitted
    assert [visitor.status for visitor in visitors if visitor.sent] == [503] * (18 - admitted)
    slow.gate.set()
    for visitor in visitors[:admitted]:
        await visitor.gets(1)
        assert visitor.status == 101
        await visitor.ends()


async def test_a_handshake_that_has_ended_makes_room_for_another_one(
    opened: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "down_since", 1.0)

    for _ in range(17):
        visitor = await Visitor().enters()
        assert visitor.status == 101
        await visitor.ends()


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
