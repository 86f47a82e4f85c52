"""Wrong API keys are limited for each client address, as wrong passwords are. Valid keys are not."""

from __future__ import annotations

import time
from typing import Final

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from ocpp_server.addresses import address_key

log = structlog.get_logger(__name__)

# Wrong keys from one address in a minute; the next ones are answered 429.
MAX_WRONG: Final = 10
WINDOW_S: Final = 60


def seconds_to_wait(address: str) -> float:
    """Count a wrong key. Returns 0 up to MAX_WRONG in a minute; then the seconds until the next minute."""
    network, now = address_key(address), time.time()
    key = f"api:wrong-keys:{network}:{int(now) // WINDOW_S}"
    try:
        if cache.add(key, 1, timeout=2 * WINDOW_S):
            return 0.0
        count = cache.incr(key)
    except ValueError:  # the entry was evicted in between
        return 0.0
    except RedisError as error:
        log.warning("api.uncounted", error=str(error))
        return 0.0
    if count <= MAX_WRONG:
        return 0.0
    if count == MAX_WRONG + 1:
        log.warning("api.wrong_keys", address=network, count=count)
    return WINDOW_S - now % WINDOW_S
