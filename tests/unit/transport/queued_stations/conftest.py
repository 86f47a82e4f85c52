"""Fixtures of the tests of this folder."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V201
from ocpp_server.transport import presence
from ocpp_server.transport.handshake import admission
from ocpp_server.transport.queue import queued_commands
from ocpp_server.transport.queue.station import Outcome, QueuedStation
from ocpp_server.transport.queue.stations import Stations
from ocpp_server.transport.switchboard import switchboard
from tests.unit.transport.queue_rules.redis_double import RedisDouble
from tests.unit.transport.queued_stations.world import Served, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = World(redis=RedisDouble(), state=Served(), loads=[], rows={}, dropped=[], departed=[], handled=[])
    made.stations = Stations(made.redis)
    made.rows["CP-1"] = SimpleNamespace(pk=1, identity="CP-1", ocpp_version=V201)

    async def find(identity: str) -> Any:
        return made.rows.get(identity)

    def station(pk: int, version: str, connection_id: str) -> Station:
        loaded = Station(pk=pk, identity="CP-1", version=version)
        loaded.connection_id = connection_id
        loaded.registration_status = "Accepted"
        return loaded

    async def load_connected(pk: int, *, version: str, connection_id: str) -> Station:
        made.loads.append({"pk": pk, "version": version, "connection_id": connection_id})
        return station(pk, version, connection_id)

    async def load(pk: int, **more: Any) -> Station:
        made.loads.append({"pk": pk} | more)
        return station(pk, more["version"], more["connection_id"])

    async def drop(redis: Any, identity: bytes) -> None:
        assert redis is made.redis
        made.dropped.append(identity)

    async def depart(*arguments: Any, **more: Any) -> None:
        made.departed.append((*arguments, more))

    async def handle(self: QueuedStation, message: Any, *, is_repeated: bool) -> Outcome:
        made.handled.append((self.session_id, message.frame, is_repeated))
        return Outcome(self.session_id)

    monkeypatch.setattr(live, "state", lambda: made.state)
    monkeypatch.setattr(admission, "find", find)
    monkeypatch.setattr(presence, "load_connected", load_connected)
    monkeypatch.setattr(presence, "load", load)
    monkeypatch.setattr(presence, "depart", depart)
    monkeypatch.setattr(queued_commands, "drop", drop)
    monkeypatch.setattr(QueuedStation, "handle", handle)
    monkeypatch.setattr(switchboard, "at_gateways", {})
    return made
