"""How often something happened lately, in any process: who guesses passwords at ten of them has ten times a
tenth of the tries.

`P:recent:{what}:{address}:{identity}` is a sorted set of moments (ms of Redis' clock), which expires.
"""

from __future__ import annotations

import uuid

from ocpp_server.live.recent import WINDOW_S, Recent
from ocpp_server.live.redis.keys import Keys, Script
from ocpp_server.live.redis.link import Link

_COUNTS, _NOTE = Script("recent_counts"), Script("recent_note")
_WINDOW_MS = int(WINDOW_S * 1000)


class RedisRecent(Recent):
    """Counts over all processes. Works without a started link, in a process that serves nothing."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def counts(self, address: str, identity: str, *what: str) -> list[int]:
        keys = [self._key(one, address, identity) for one in what]
        return [int(count) for count in await self._link.run(_COUNTS, keys, _WINDOW_MS)]

    async def note(self, address: str, identity: str, what: str) -> int:
        keys = [self._key(what, address, identity)]
        return int(await self._link.run(_NOTE, keys, _WINDOW_MS, uuid.uuid4().hex))

    async def forget(self, address: str, identity: str, what: str) -> None:
        await self._link.attempt(self._link.redis.delete(self._key(what, address, identity)))

    def _key(self, what: str, address: str, identity: str) -> str:
        return self._keys.recent(what, address, identity.casefold())
