"""Stands for Redis in tests of a processor: it notes each step and returns what the test has prepared.

The scripts themselves run against a real Redis in their own tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ocpp_server.live import LiveStateUnavailable
from ocpp_server.transport.queue import claims
from ocpp_server.transport.queue.claims import Claim
from ocpp_server.transport.queue.keys import QueueKeys

AWAY = LiveStateUnavailable("Redis is away.")
NAMES = {id(getattr(claims, f"_{name.upper()}")): name for name in ("claim", "commit", "release", "renew")}


class RedisDouble:
    """`steps` has each script by its name with its arguments, and each command."""

    def __init__(self) -> None:
        self.keys = QueueKeys("p")
        self.steps: list[tuple[Any, ...]] = []
        # The replies to the next runs of each script; a function makes one of the arguments.
        self.replies: dict[str, list[Any]] = {}
        self.gate: asyncio.Event | None = None
        self.is_closed = False
        self.swept = 0

    async def run(self, used: Any, *arguments: Any) -> Any:
        name = NAMES[id(used)]
        self.steps.append((name, *arguments))
        if self.gate is not None:
            await self.gate.wait()
        return self._reply(name, arguments)

    async def run_after_wakeup(self, used: Any, *arguments: Any, lists: Any, within: float) -> Any:
        name = NAMES[id(used)]
        self.steps.append((name, *arguments, lists, within))
        if not self.replies.get(name):
            await asyncio.sleep(within)
        if not self.replies.get(name):
            return packed([0])
        return self._reply(name, arguments)

    async def call(self, *parts: Any) -> Any:
        self.steps.append(parts)
        return self._reply(str(parts[0]), parts)

    def _reply(self, name: str, arguments: tuple[Any, ...]) -> Any:
        waiting = self.replies.get(name, [])
        reply = waiting.pop(0) if waiting else self._usual(name, arguments)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Callable):  # type: ignore[arg-type]
            reply = reply(*arguments)
        if name == "claim":
            left, taken = reply
            return packed([left, *(part for claim in taken for part in claim)])
        return packed([part for row in reply for part in row]) if name == "commit" else reply

    @staticmethod
    def _usual(name: str, arguments: tuple[Any, ...]) -> Any:
        """All is well, and no more messages are queued."""
        if name == "commit":
            return [[b"done", b"", b""] for _ in requests(arguments)]
        if name == "HGETALL":
            return []
        return [ord("k")] * ((len(arguments) - 2) // 2) if name == "renew" else None

    async def sweep(self) -> list[str]:
        self.swept += 1
        return []

    def close(self) -> None:
        self.is_closed = True

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of each run of a script, or of each command."""
        return [step[1:] for step in self.steps if step[0] == name]


def packed(parts: list[Any]) -> bytes:
    """A reply as the scripts pack it."""
    texts = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b",".join(str(len(text)).encode() for text in texts) + b";" + b"".join(texts)


def requests(arguments: tuple[Any, ...]) -> list[list[Any]]:
    """The requests of a run of the script `commit`, one for each station."""
    rest, found = list(arguments[2:]), []
    while rest:
        length = 8 + int(rest[7])
        found.append(rest[:length])
        rest = rest[length:]
    return found


def a_claim(name: str = "CP-1", **more: Any) -> Claim:
    values = {"key": name.encode(), "epoch": 7, "attempts": 1, "session_id": "s1", "channel": ""}
    return Claim(**(values | {"settles_at": "0", "head": b"{}"} | more))


def taken(*claimed: Claim, left: int = 0) -> tuple[int, list[list[Any]]]:
    """The reply of the script `claim`."""
    return left, [
        [c.key, c.epoch, c.attempts, c.session_id.encode(), c.channel.encode(), c.settles_at.encode(), c.head]
        for c in claimed
    ]
