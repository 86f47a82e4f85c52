"""Runs the Lua scripts against a real Redis at a time that the test sets.

The scripts read Redis' clock with the command TIME. Here a line in front of each script answers this command
with the clock of the test, so that a test can stand at the exact millisecond at which a lease ends.
"""

from __future__ import annotations

import copy
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from typing import Any

from ocpp_server.live.redis.keys import Script
from ocpp_server.live.redis.wire import Part, Wire, parts_of, rows_of
from ocpp_server.transport.queue.keys import QueueKeys, script
from ocpp_server.transport.queue.redis import QueueRedis
from tests.distributed.engines import Redis

START_MS = 1_800_000_000_123
_CLOCK = f"clock-of-tests-{os.getpid()}"
_SCRIPTS = {
    name: script("queued_commands", *(("legacy",) if name.startswith("legacy_") else ()), name)
    for name in (
        *(
            "call_answered",
            "call_drop",
            "call_expire",
            "call_submit",
            "commit",
            "notify",
            "release",
            "replaced",
        ),
        *("legacy_announced", "legacy_drain", "legacy_implied", "legacy_tidy", "legacy_version"),
    )
}
# No line break: the lines of a script keep their numbers in errors.
_FRONT = (
    "local redis = (function(real) local function wrapped(run) return function(name, ...) "
    f"if name == 'TIME' then return cjson.decode(real.call('GET', '{_CLOCK}')) end return run(name, ...) "
    "end end return {call = wrapped(real.call), pcall = wrapped(real.pcall)} end)(redis) "
)


def clocked(used: Script) -> Script:
    """The script with the clock of the test."""
    other = copy.copy(used)
    other.text = _FRONT + used.text
    other.sha = sha1(other.text.encode(), usedforsecurity=False).hexdigest()
    return other


class ClockedWire(Wire):
    """A connection whose scripts use the clock of the test."""

    async def run(
        self,
        script: Script,
        keys: list[str],
        *arguments: Part,
        after: tuple[Part, ...] = (),
        block_s: float = 0.0,
    ) -> Any:
        return await super().run(clocked(script), keys, *arguments, after=after, block_s=block_s)


class Bench:
    """Redis with a key prefix of its own and a clock that stands still until the test moves it."""

    def __init__(self, engine: Redis) -> None:
        self.prefix = f"t{uuid.uuid4().hex[:8]}"
        self.keys = QueueKeys(self.prefix)
        self.client: Any = engine.client
        self.now_ms = START_MS
        self.move_clock(0)

    def clear(self) -> None:
        for name in self.client.scan_iter(f"{self.prefix}:*", count=1000):
            self.client.delete(name)

    def close(self) -> None:
        self.clear()
        self.client.close()

    def move_clock(self, ms: int) -> None:
        """Add milliseconds to the time. The microseconds are 250 above it."""
        self.now_ms += ms
        seconds, rest = divmod(self.now_ms, 1000)
        self.client.set(_CLOCK, f'["{seconds}","{rest * 1000 + 250}"]')

    def run(self, used: Script, keys: list[str], *arguments: str | int) -> Any:
        """Run a script. The reply has texts."""
        return self.client.eval(clocked(used).text, len(keys), *keys, *arguments)

    @contextmanager
    def news(self) -> Iterator[list[Any]]:
        """Collect the news that are published in the block."""
        found: list[Any] = []
        with self.client.pubsub() as pubsub:
            pubsub.subscribe(self.keys.news)
            assert pubsub.get_message(timeout=5)["type"] == "subscribe"
            yield found
            # Redis delivers in order: everything before this mark has arrived when it does.
            self.client.publish(self.keys.news, '"the end"')
            while (message := pubsub.get_message(timeout=5)) is not None:
                what = json.loads(message["data"])
                if what == "the end":
                    return
                found.append(what)
            raise AssertionError("The end of the news has not arrived.")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Let Redis refuse every command that needs memory."""
        before = self.client.config_get("maxmemory")["maxmemory"]
        self.client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            self.client.config_set("maxmemory", before)

    def lists(self, *names: str) -> dict[str, list[str]]:
        """The lists with these names (without the prefix) that exist, in the order of their reading."""
        found = {name: self.client.lrange(f"{self.prefix}:{name}", 0, -1)[::-1] for name in names}
        return {name: items for name, items in found.items() if items}

    def content(self) -> dict[str, Any]:
        """All keys without their prefix; a list begins at its left end."""
        read = {
            "list": lambda name: self.client.lrange(name, 0, -1),
            "hash": self.client.hgetall,
            "zset": lambda name: dict(self.client.zrange(name, 0, -1, withscores=True)),
            "set": self.client.smembers,
            "string": self.client.get,
        }
        names = sorted(self.client.scan_iter(f"{self.prefix}:*", count=1000))
        return {name[len(self.prefix) + 1 :]: read[self.client.type(name)](name) for name in names}

    def expires(self, name: str, ms: int) -> bool:
        """Whether the key expires in so many milliseconds of the real time; ten seconds may be over."""
        return bool(ms - 10_000 < self.client.pttl(f"{self.prefix}:{name}") <= ms)


class QueueBench(Bench):
    """The queue, with the connection of a processor."""

    def __init__(self, engine: Redis, settings: Any) -> None:
        super().__init__(engine)
        settings.REDIS_STATE_PREFIX = self.prefix
        engine.use(settings)
        self.wire = ClockedWire()
        self.redis = QueueRedis()
        self.redis._wire, self.redis._waiting = self.wire, ClockedWire()

    def close(self) -> None:
        self.redis.close()
        super().close()

    async def script(self, name: str, *arguments: Part) -> Any:
        """Run a script of the processor. The reply to a commit is a list for each station."""
        reply = await self.redis.run(_SCRIPTS[name], *arguments)
        return [list(row) for row in rows_of(parts_of(reply), 3)] if name == "commit" else reply

    def connect(self, identity: str, session: str = "s1", **fields: str) -> None:
        """Register a connection at the gateway `gw`, whose station has sent its first message."""
        known = {"session_id": session, "ws_server_id": "gw", "settles_at": "0"} | fields
        self.client.delete(self.keys.session(identity))
        self.client.hset(self.keys.session(identity), mapping=known)
        self.client.zadd(self.keys.clients, {identity: self.now_ms + 60_000})

    def push(self, identity: str, *messages: str, waits_ms: int = 0) -> None:
        """Queue messages of a station that is due since `waits_ms` milliseconds."""
        self.client.lpush(self.keys.requests(identity), *messages)
        self.client.zadd(self.keys.ready, {identity: self.now_ms - waits_ms}, nx=True)
