"""The live state: the connections of stations, the running transactions, the token cache.

It may be lost at any moment: the database is permanent, and the live state is rebuilt from it.

One interface with two implementations: `memory` in the embedded server, `redis` when several processes share
the state. The apps register how it is read from the database (`extensions`).
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
    """Discard the live state of this process, as a restart does."""
    state.cache_clear()
