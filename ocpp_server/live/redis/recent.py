"""Counts of recent events over all processes: more processes give an attacker no more tries at a password.

`P:recent:{kind}:{address}:{identity}` is a sorted set of times (ms of Redis' clock), which expires.
"""

from __future__ import annotations

import uuid

from ocpp_server.live.recent import WINDOW_S, Recent
from ocpp_server.live.redis.keys import Keys, Script
from ocpp_server.live.redis.link import Link

_COUNTS, _NOTE, _TAKE = Script("recent_counts"), Script("recent_note"), Script("recent_take")
_WINDOW_MS = int(WINDOW_S * 1000)


class RedisRecent(Recent):
    """Counts over all processes. It works without a started link, in a process without an engine."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def counts(self, address: str, identity: str, *kinds: str) -> list[int]:
        keys = [self._key(kind, address, identity) for kind in kinds]
        return [int(count) for count in await self._link.run(_COUNTS, keys, _WINDOW_MS)]

    async def note(self, address: str, identity: str, kind: str) -> int:
        keys = [self._key(kind, address, identity)]
        return int(await self._link.run(_NOTE, keys, _WINDOW_MS, uuid.uuid4().hex))

    async def take(self, address: str, identity: str, kind: str, limit: int) -> float:
        keys = [self._key(kind, address, identity)]
        return int(await self._link.run(_TAKE, keys, _WINDOW_MS, uuid.uuid4().hex, limit)) / 1000

    async def forget(self, address: str, identity: str, kind: str) -> None:
        await self._link.attempt(self._link.redis.delete(self._key(kind, address, identity)))

    def _key(self, kind: str, address: str, identity: str) -> str:
        return self._keys.recent(kind, address, identity.casefold())
