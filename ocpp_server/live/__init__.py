"""The live state: which stations are connected where, the running transactions, the token cache.

It can be lost at any moment and is rebuilt from the ORM, which is what survives.

One interface, one implementation a mode: `memory` in the embedded server, `redis` when several processes
share it. The apps register how it is read from the database (`extensions`).
"""

from __future__ import annotations

from functools import cache

from django.conf import settings

from ocpp_server.live.interface import LiveState, LiveStateUnavailable
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.redis.state import RedisState

__all__ = ["LiveState", "LiveStateUnavailable", "reset", "state"]


@cache
def state() -> LiveState:
    """The live state of this process."""
    return RedisState() if settings.REDIS_DISTRIBUTED_STATE else MemoryState()


def reset() -> None:
    """Forget everything, as a restart does."""
    state.cache_clear()
