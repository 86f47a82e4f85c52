"""The requests of API keys, kept in memory until a job writes them together.

A row for each request would cost each one a commit. A process that is killed loses the
last ones: the access log has them.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from threading import Lock
from typing import Any, Final, NamedTuple

from django.utils import timezone

from ocpp_server.api import personal

# While the database is away, the oldest give way.
MOST: Final = 5000


class Noted(NamedTuple):
    """One request. The path has no query, which may have a token."""

    key_id: Any
    at: datetime
    method: str
    path: str
    status: int
    duration_ms: float
    address: str


_lock = Lock()
_noted: deque[Noted] = deque(maxlen=MOST)


def note(request: Any, key_id: Any, *, status: int, seconds: float, path_values: dict[str, Any]) -> None:
    """Keep a request of a key."""
    with _lock:
        _noted.append(
            Noted(
                key_id=key_id,
                at=timezone.now(),
                method=str(request.method)[:8],
                path=personal.shown_path(request.path, path_values)[:300],
                status=status,
                duration_ms=round(seconds * 1000, 1),
                address=request.META.get("REMOTE_ADDR", "")[:64],
            )
        )


def take() -> list[Noted]:
    """The requests that are not written yet; the caller writes them."""
    with _lock:
        taken = list(_noted)
        _noted.clear()
    return taken


def put_back(taken: list[Noted]) -> None:
    """Keep requests that could not be written, as far as there is room."""
    with _lock:
        later = list(_noted)
        _noted.clear()
        _noted.extend([*taken, *later])
