"""A cache of the API keys of probes and scrapers, which must work while the database is down."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from django.db import Error as DatabaseError
from django.db import OperationalError, connection

from ocpp_server import credentials
from ocpp_server.api import server
from ocpp_server.credentials import ApiKey
from ocpp_server.observability.single_flight import in_thread

T = TypeVar("T")

LOOKUP_TIMEOUT_S = 1.5
# A valid key is not looked up again for this long. A revoked key can read metrics until then.
FRESH_S = 30.0
# While the database is down, a key that was valid within this time stays valid.
REMEMBERED_S = 24 * 3600.0
_KEPT = 100


@dataclass(slots=True)
class _Known:
    key: ApiKey
    verified_at: float
    ask_at: float


_known: OrderedDict[str, _Known] = OrderedDict()
_asked: OrderedDict[str, Future[ApiKey | None]] = OrderedDict()


def find(plain: str) -> ApiKey | None:
    """Like `Credentials.find`, but cached and with a time limit, in case the database hangs.

    Raises OperationalError when the database does not answer and the key is not in the cache.
    """
    if not server.port.app.is_running():
        return credentials.port.app.find(plain)
    digest = credentials.port.app.digest(plain)
    known, now = _known.get(digest), time.monotonic()
    if known is not None and now < known.ask_at:
        return known.key
    try:
        key = _look_up(digest, lambda: credentials.port.app.find(plain))
    except (DatabaseError, TimeoutError) as error:
        if known is None or now - known.verified_at > REMEMBERED_S:
            raise OperationalError(str(error) or "The database does not answer.") from error
        known.ask_at = time.monotonic() + FRESH_S
        return known.key
    if key is None:
        _known.pop(digest, None)
    else:
        _remember(_known, digest, _Known(key, now, now + FRESH_S))
    return key


def _look_up(digest: str, find: Callable[[], ApiKey | None]) -> ApiKey | None:
    def ask() -> ApiKey | None:
        try:
            return find()
        finally:
            connection.close()

    # A second request with the same key waits for the current lookup.
    asked = _asked.get(digest)
    if asked is None or asked.done():
        asked = in_thread(ask, name="probe-key")
        _remember(_asked, digest, asked)
    return asked.result(LOOKUP_TIMEOUT_S)


def _remember(kept: OrderedDict[str, T], digest: str, what: T) -> None:
    kept[digest] = what
    if len(kept) > _KEPT:
        kept.popitem(last=False)
