"""Tickets for streams of events: a browser can't send an API key to another origin but in the URL.

A ticket is used once, within TICKET_S, and has the filters and the caller of the request that it was made by.
Only its SHA-256 is stored, in the shared cache.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core.cache import cache
from redis.exceptions import RedisError

from ocpp_server.live import LiveStateUnavailable

TICKET_S: Final = 60


@dataclass(frozen=True, slots=True)
class Ticket:
    """The caller who asked for a ticket, as "key:7" or "user:7", and the filters."""

    caller: str
    filters: dict[str, Any]


def issue(ticket: Ticket) -> tuple[str, datetime]:
    """Store a ticket. Returns its plain text and its end. Raises LiveStateUnavailable."""
    plain = f"evtk_{secrets.token_urlsafe(32)}"
    until = datetime.now(UTC) + timedelta(seconds=TICKET_S)
    try:
        cache.set(_key(plain), (ticket.caller, ticket.filters), timeout=TICKET_S)
    except RedisError as error:
        raise LiveStateUnavailable(str(error)) from error
    return plain, until


def redeem(plain: str) -> Ticket | None:
    """The ticket with this plain text, which is used up by this; None for any other. Raises
    LiveStateUnavailable.
    """
    key = _key(plain)
    try:
        found = cache.get(key)
        # Only one of several callers deletes it.
        if found is None or not cache.delete(key):
            return None
    except RedisError as error:
        raise LiveStateUnavailable(str(error)) from error
    return Ticket(*found)


def _key(plain: str) -> str:
    return f"events:ticket:{hashlib.sha256(plain.encode('utf-8', 'replace')).hexdigest()}"
