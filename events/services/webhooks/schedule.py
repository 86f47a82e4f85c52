"""Rules of retries, without a database or a clock: what an answer means, and when to try again."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

# The pauses of an endpoint that can't be reached. A restart of the receiver costs seconds, and after days it
# is found again within half an hour: the probe is one request.
PAUSES_S: Final = (1, 2, 5, 10, 30, 60, 300, 900, 1800)
# The pauses of an event that the receiver refuses while it takes others; then the event has failed.
EVENT_PAUSES_S: Final = (5, 60, 300, 1800)
ATTEMPTS: Final = len(EVENT_PAUSES_S) + 1
# Refusals of different events, one after the other, that make the endpoint the cause.
MOST_REFUSALS: Final = 5
_JITTER: Final = 0.2
# A receiver may ask for a longer pause, up to this.
MOST_RETRY_AFTER_S: Final = 3600.0
_GONE: Final = 410
_SUCCESS: Final = range(200, 300)
# Statuses below 500 that say something about the endpoint and nothing about the event.
_OF_ENDPOINT: Final = frozenset({407, 408, 421, 425, 426, 429})


class Meaning(Enum):
    """The meaning of an answer. `TROUBLE`: of the endpoint, so all events wait. `REFUSED`: of this event."""

    DELIVERED = "delivered"
    TROUBLE = "trouble"
    REFUSED = "refused"
    GONE = "gone"


def meaning(status: int) -> Meaning:
    """The meaning of the status of an answer. A redirect is trouble: it is never followed."""
    if status in _SUCCESS:
        return Meaning.DELIVERED
    if status == _GONE:
        return Meaning.GONE
    if 400 <= status < 500 and status not in _OF_ENDPOINT:
        return Meaning.REFUSED
    return Meaning.TROUBLE


def pause_s(failures: int, retry_after_s: float = 0.0) -> float:
    """The pause of an endpoint after its n-th failure in a row."""
    usual = _spread(PAUSES_S[min(failures, len(PAUSES_S)) - 1])
    return max(usual, min(retry_after_s, MOST_RETRY_AFTER_S))


def event_pause_s(attempts: int) -> float | None:
    """The pause of an event after its n-th refusal; None when it was the last attempt."""
    return None if attempts >= ATTEMPTS else _spread(EVENT_PAUSES_S[attempts - 1])


def retry_after_s(text: str, *, now: datetime) -> float:
    """The seconds of a Retry-After header, which has seconds or a date; 0 for one that can't be read."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MOST_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return 0.0
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, (at - now).total_seconds()), MOST_RETRY_AFTER_S)


def _spread(seconds: float) -> float:
    # Many endpoints of one receiver must not all be tried at the same moment.
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
