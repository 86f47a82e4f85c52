"""The handshakes of stations at a gateway: accepted, refused, or to be tried again later."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from ocpp_server.observability import measures
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport.gateway import front
from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.handshake import admission, duplicates
from tests.redis_scripts import QueueBench
from tests.unit.transport.admission.handshakes import Journal, Row, Stations
from tests.unit.transport.gateway.visitor import Visitor, counted
from tests.unit.transport.gateway.world import Clock, session_of, settle

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
