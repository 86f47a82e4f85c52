"""The audit log: one entry for each request that changes something, and for each export of personal data.

The doors write it: the base view of the REST API and a middleware of the admin. So no operation can be
forgotten, and no service needs to know its caller. An entry has names of fields and no values: a value may be
a password or a person's data. The app `accounts` fills the port.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

import structlog
from django.db import Error as DatabaseError

from ocpp_server.ports import Port

log = structlog.get_logger(__name__)

# Bounds of what a caller sends.
MOST_FIELDS: Final = 50
FIELD_LENGTH: Final = 64


class Door(StrEnum):
    """The way by which a request came."""

    REST = "rest"
    ADMIN = "admin"


class Entry(NamedTuple):
    """One request. `action` is the operation of the OpenAPI document, or the view of the admin. `fields` are
    the names of the values that were sent.
    """

    actor: str
    door: Door
    action: str
    path: str
    fields: tuple[str, ...]
    status: int
    address: str
    request_id: str


class AuditLog(Protocol):
    """The storage of entries. A module with this function can fill the port, as an object can."""

    def store(self, entry: Entry) -> None:
        """Store an entry."""


port = Port[AuditLog]("AuditLog")


def note(entry: Entry) -> None:
    """Store an entry. The change is made already: without the database the entry goes to the server's log."""
    try:
        port.app.store(entry)
    except DatabaseError:
        log.exception("audit.not_stored", **entry._asdict())


def names(fields: Iterable[Any]) -> tuple[str, ...]:
    """The names of sent fields, bounded: a caller may send any number and length."""
    found = (clean(str(name))[:FIELD_LENGTH] for name, _ in zip(fields, range(MOST_FIELDS), strict=False))
    return tuple(found)


def clean(text: str) -> str:
    """The text without NUL and halves of surrogate pairs, which PostgreSQL refuses."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
