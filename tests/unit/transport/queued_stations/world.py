"""The stations that a processor has loaded: until when they are current, and what each envelope does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ocpp_server.live.memory import MemoryState
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.claims import Claim
from ocpp_server.transport.queue.station import QueuedStation
from ocpp_server.transport.queue.stations import Stations
from tests.unit.transport.queue_rules.redis_double import RedisDouble, a_claim


class Served(MemoryState):
    """A live state that notes which stations this process serves."""

    def __init__(self) -> None:
        super().__init__()
        self.served: list[str] = []
        self.published: list[Station] = []

    def serve(self, identity: str) -> None:
        self.served.append(f"+{identity}")

    def unserve(self, identity: str) -> None:
        self.served.append(f"-{identity}")

    def station_changed(self, station: Station) -> None:
        self.published.append(station)


class World(SimpleNamespace):
    """A processor's stations, and everything that they reach."""

    redis: RedisDouble
    stations: Stations
    state: Served
    loads: list[dict[str, Any]]
    rows: dict[str, Any]

    def known(self, name: str = "CP-1") -> QueuedStation:
        return self.stations._known[name.encode()]

    async def load(self, claim: Claim | None = None, *, session: str = "s1") -> QueuedStation:
        """Let a station be loaded by its first frame."""
        claim = claim or a_claim()
        claim.head = frame(session)
        await self.stations.handle(claim)
        return self.stations._known[claim.key]


def frame(session: str = "s1", protocol: str = V16) -> bytes:
    return envelope.pack_frame('[2,"m1","Heartbeat",{}]', "CP-1", session_id=session, protocol=protocol)


def control(event: str, session: str = "s1", **more: Any) -> bytes:
    return envelope.pack_control(event, "CP-1", session_id=session, **more)


def session(**fields: str) -> list[bytes]:
    return [part.encode() for pair in fields.items() for part in pair]


class Legacy:
    """The legacy gateways: they have sessions without ids, and versions are stored for them."""

    def __init__(self, is_new: bool) -> None:
        self.is_new = is_new
        self.session_id = "legacy-1"
        self.stored: list[tuple[str, str, str]] = []

    async def session(self, claim: Any, message: Any) -> tuple[str, bool, str]:
        return self.session_id, self.is_new, "10.0.0.9"

    async def store_version(self, claim: Any, session_id: str, version: str) -> None:
        self.stored.append((claim.identity, session_id, version))
