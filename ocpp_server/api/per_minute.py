"""Counts of what a caller does in a minute, in the shared cache: for rate limits."""

from __future__ import annotations

import time

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

WINDOW_S = 60


def count(name: str, subject: str) -> int:
    """Count one more, and return how many there were in this minute; 0 where it can't be counted.

    A fixed window of a minute costs one increment; a sliding window would store every request. Around the
    border of two windows, twice the limit may pass, which is acceptable.
    """
    key = f"{name}:{subject}:{int(time.time()) // WINDOW_S}"
    try:
        if cache.add(key, 1, timeout=2 * WINDOW_S):
            return 1
        counted: int = cache.incr(key)
    except ValueError:  # the entry was evicted in between
        return 0
    except RedisError as error:
        # Not counted and allowed: operators need the API during an outage.
        log.warning("api.uncounted", error=str(error))
        return 0
    return counted


def seconds_left() -> float:
    """The seconds until the next minute."""
    return WINDOW_S - time.time() % WINDOW_S
