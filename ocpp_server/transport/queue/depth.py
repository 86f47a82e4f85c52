"""The length of the queue, for the metrics and the readiness probe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.keys import QueueKeys, script

_DEPTH = script("depth")
# At most this many stations are counted, because one call must not block Redis. With more, the number of
# messages is a lower bound.
_STATIONS = 5000
_HEADS = 10


@final
@dataclass(frozen=True, slots=True)
class Depth:
    """The counts of the queue. `oldest_s` is the age of the oldest unread message in seconds."""

    stations: int
    messages: int
    oldest_s: float
    dead: int
    gateways: int
    processors: int
    calls: int


def read_depth(*, within: float) -> Depth:
    """Read the counts from Redis, without asyncio. Raises RedisError or OSError after `within` seconds."""
    keys = QueueKeys(settings.REDIS_STATE_PREFIX)
    client = Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=within,
        socket_connect_timeout=within,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        found = client.eval(
            _DEPTH.text,
            5,
            *(keys.ready, keys.dead, keys.gateways, keys.processors, keys.deadlines),
            keys.requests(""),
            str(_STATIONS),
            str(_HEADS),
        )
    finally:
        client.close()
    stations, messages, dead, gateways, processors, calls, *heads = found
    return Depth(
        stations=int(stations),
        messages=int(messages),
        oldest_s=max(map(_age_s, heads), default=0.0),
        dead=int(dead),
        gateways=int(gateways),
        processors=int(processors),
        calls=int(calls),
    )


def _age_s(text: bytes) -> float:
    try:
        at = envelope.parse(text).at
    except envelope.Unreadable:
        return 0.0
    return 0.0 if at is None else max(0.0, (datetime.now(UTC) - at).total_seconds())
