"""The rate limit of each caller: requests per minute, counted in the shared cache."""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ocpp_server.api.authentication import principal

log = structlog.get_logger(__name__)

WINDOW_S = 60


class PrincipalThrottle(BaseThrottle):
    """A fixed window of a minute. It costs one increment per request; a sliding window would store every
    request.

    A caller may send twice the limit around the border of two windows, which is acceptable.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return True  # only /health needs no credentials, and it is cheap
        window = int(time.time()) // WINDOW_S
        key = f"api:rate:{principal(request)}:{window}"
        try:
            if cache.add(key, 1, timeout=2 * WINDOW_S):
                return True
            count = cache.incr(key)
        except ValueError:  # the entry was evicted in between
            return True
        except RedisError as error:
            # Not counted and allowed: operators need the API during an outage.
            log.warning("api.uncounted", error=str(error))
            return True
        return bool(count <= settings.API_REQUESTS_PER_MINUTE)

    def wait(self) -> float:
        return WINDOW_S - time.time() % WINDOW_S
