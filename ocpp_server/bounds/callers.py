"""Check the credentials of a request before its body is read.

The API authenticates every request again later. This check only decides how much a caller may use until then,
so a cached result may be 30 seconds old.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from threading import Lock
from typing import Any, Final

import structlog
from django.conf import settings
from django.contrib.auth import get_user
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, parse_cookie

from ocpp_server import credentials
from ocpp_server.credentials import Role

log = structlog.get_logger(__name__)

FRESH_S: Final = 30.0
# A database that hangs must not block the request here; the API reports that it is down.
LOOKUP_TIMEOUT_S: Final = 1.5
_REMEMBERED: Final = 10_000
# Two threads for lookups only: a flood of invalid keys waits for them and delays nothing else.
_threads = ThreadPoolExecutor(2, thread_name_prefix="callers")

_ORDER: Final = list(Role)
_API_KEY, _SESSION = "api-key", "session"


@dataclass(frozen=True, slots=True)
class Offered:
    """The credentials in a request, not verified yet."""

    kind: str
    secret: str

    @property
    def digest(self) -> str:
        return f"{self.kind}:{hashlib.sha256(self.secret.encode('utf-8', 'replace')).hexdigest()}"


class _Verified:
    """The digests of credentials that were valid less than FRESH_S ago. Thread-safe."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def add(self, digest: str) -> None:
        with self._lock:
            self._until[digest] = time.monotonic() + FRESH_S
            self._until.move_to_end(digest)
            if len(self._until) > _REMEMBERED:
                self._until.popitem(last=False)

    def __contains__(self, digest: str) -> bool:
        return time.monotonic() < self._until.get(digest, 0.0)


_verified = _Verified()


def offered(scope: dict[str, Any]) -> Offered | None:
    """The API key or admin session in a request's headers; None for a request without credentials."""
    cookies: list[str] = []
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, plain = value.decode("latin-1").partition(" ")
            if scheme.lower() == _API_KEY and plain.strip():
                return Offered(_API_KEY, plain.strip())
        elif name == b"cookie":
            cookies.append(value.decode("latin-1"))
    # Parsed as Django does: the standard library stops at the first invalid name.
    session = parse_cookie("; ".join(cookies)).get(settings.SESSION_COOKIE_NAME, "")
    return Offered(_SESSION, session) if session else None


def is_remembered(offer: Offered | None) -> bool:
    """Whether these credentials were verified less than FRESH_S ago, from memory alone."""
    return offer is not None and offer.digest in _verified


async def are_valid(offer: Offered | None, role: Role = Role.VIEWER) -> bool:
    """Whether these credentials are valid, and of this role or a higher one; False also when the database
    does not answer in time.
    """
    if offer is None:
        return False
    if role == Role.VIEWER and is_remembered(offer):
        return True
    asked = asyncio.get_running_loop().run_in_executor(_threads, _look_up, offer, role)
    try:
        async with asyncio.timeout(LOOKUP_TIMEOUT_S):
            return await asked
    except (TimeoutError, DatabaseError) as error:
        log.warning("http.unverified", reason=str(error) or "The database does not answer.")
        return False


def release(request: HttpRequest) -> None:
    """Stop counting this request as one without credentials; they are used up and not remembered."""
    scope: dict[str, Any] = getattr(request, "scope", {})
    note: Callable[[], None] | None = scope.get("extensions", {}).get("ocpp.authenticated")
    if note is not None:
        note()


def mark_authenticated(request: HttpRequest) -> None:
    """Record that the API has authenticated this request. It no longer counts as one without credentials."""
    scope: dict[str, Any] = getattr(request, "scope", {})
    offer = offered(scope) if scope else None
    if offer is not None:
        _verified.add(offer.digest)
        release(request)


def _look_up(offer: Offered, role: Role) -> bool:
    find = _role_of_key if offer.kind == _API_KEY else _role_of_session
    try:
        found = find(offer.secret)
    finally:
        connection.close()
    if found is None:
        return False
    _verified.add(offer.digest)
    return _ORDER.index(Role(found)) >= _ORDER.index(role)


def _role_of_key(plain: str) -> str | None:
    key = credentials.port.app.find(plain)
    return None if key is None else key.role


def _role_of_session(key: str) -> str | None:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return credentials.role_of(user) if user.is_authenticated else None
