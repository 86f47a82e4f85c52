"""Commands to the station A for tests of their queue."""

from __future__ import annotations

import json
from typing import Any

from tests.redis_scripts import START_MS, QueueBench


async def submit(
    bench: QueueBench,
    message_id: str,
    *,
    session: str = "s1",
    timeout_ms: int = 5000,
    longest: int = 64,
    actor: str = "ann",
) -> list[bytes]:
    arguments = ("A", session, message_id, "Reset", timeout_ms, "reply", f"<{message_id}>", longest, actor)
    return list(await bench.script("call_submit", *arguments))


def queued(message_id: str, *, session: str = "s1", expires: int = START_MS + 5000) -> dict[str, str]:
    return {
        "id": message_id,
        "action": "Reset",
        "session": session,
        "expires": str(expires),
        "timeout": "5000",
        "reply_to": "reply",
        "envelope": f"<{message_id}>",
        "actor": "ann",
    }


def waiting(bench: QueueBench) -> list[Any]:
    """The queued calls, the next one first."""
    return [json.loads(text) for text in bench.client.lrange(bench.keys.calls("A"), 0, -1)[::-1]]


def deadline(bench: QueueBench) -> Any:
    """The next deadline of the station in ms from the start."""
    score = bench.client.zscore(bench.keys.deadlines, "A")
    return None if score is None else score - START_MS


def put_waiting(bench: QueueBench, *calls: dict[str, str]) -> None:
    bench.client.lpush(bench.keys.calls("A"), *map(json.dumps, calls))
