"""Probes of connections over all processes (`live/probes.py`).

`P:probes` is a sorted set: connection id, and when its request expires (ms of Redis' clock).
`P:probe:{connection id}` is a string that expires: the station has answered.
"""

from __future__ import annotations

from ocpp_server.live.probes import VALID_S, Probes
from ocpp_server.live.redis.keys import Keys, Script
from ocpp_server.live.redis.link import Link

_REQUEST, _REQUESTS = Script("probe_request"), Script("probe_requests")
_VALID_MS = int(VALID_S * 1000)


class RedisProbes(Probes):
    """Probes over all processes. It works without a started link, in a process without an engine."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def request(self, connection_id: str) -> None:
        await self._link.run(_REQUEST, [self._keys.probes], connection_id, _VALID_MS)

    async def requested(self) -> list[str]:
        return list(await self._link.run(_REQUESTS, [self._keys.probes]))

    async def confirm(self, connection_id: str) -> None:
        command = self._link.redis.set(self._keys.probe_of(connection_id), "1", px=_VALID_MS)
        await self._link.attempt(command)

    async def is_confirmed(self, connection_id: str) -> bool:
        return bool(await self._link.attempt(self._link.redis.exists(self._keys.probe_of(connection_id))))
