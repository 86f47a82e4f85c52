"""Counts failed logins by the minute, in the cache that all processes share.

The security log stores only some of them for each address, so it can't be counted. Without Redis they are
counted by the one process that there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

# The kinds of failed logins, in words; any other kind counts as a login.
_WORDS: Final = {"FailedApiKey": "API key"}
_LOGIN: Final = "login"
# The counts of a minute are kept for the longest time that the rule may have, and a little more.
_KEPT_S: Final = 3 * 3600


def note(*, type: str, address: str, tech_info: str) -> None:
    """Count a failed login now. One that can't be counted is logged: the answer does not wait for Redis."""
    count(_WORDS.get(type, _LOGIN), datetime.now(UTC))


def count(word: str, at: datetime) -> None:
    """Count a failed login of this kind."""
    key = _key(word, _minute(at))
    try:
        if not cache.add(key, 1, timeout=_KEPT_S):
            cache.incr(key)
    except ValueError:  # evicted in between
        cache.set(key, 1, timeout=_KEPT_S)
    except RedisError as error:
        log.warning("alerts.login_uncounted", error=str(error))


def counted(*, until: datetime, within_s: int) -> Mapping[str, int]:
    """The failed logins by kind, in whole minutes. Raises RedisError."""
    last = _minute(until)
    minutes = range(last - max(1, -(-within_s // 60)) + 1, last + 1)
    keys = {_key(word, minute): word for word in (_LOGIN, *_WORDS.values()) for minute in minutes}
    found: Counter[str] = Counter()
    for key, number in cache.get_many(keys).items():
        found[keys[key]] += int(number)
    return found


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _key(word: str, minute: int) -> str:
    # Memcached, another cache of Django, takes no blanks.
    return f"alerts:failed-logins:{word.replace(' ', '-')}:{minute}"
