"""The outbox: an event is a row in the transaction of the change that it belongs to.

`Station.emit` adds events of a station's message to its unit of work; `emit` is for everything else. The app
`events` fills the port. Its reader numbers the rows after their commit.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import orjson
from django.conf import settings
from django.core.signals import setting_changed
from django.db import transaction

from ocpp_server.events import catalogue
from ocpp_server.events.types import TRUNCATED, EventType
from ocpp_server.ports import Port
from ocpp_server.protocol.translate import time as time_text
from ocpp_server.storage.bulk import Row, Table
from ocpp_server.storage.unit import Unit

# The longest data of an event, in bytes of JSON, and what longer texts and lists are cut to.
MAX_DATA: Final = 8 * 1024
_CUT_TEXT: Final = 200
_CUT_LIST: Final = 40
MASKED: Final = "••••"


class Outbox(Protocol):
    """The storage of events. A module with these attributes can fill the port."""

    @property
    def table(self) -> Table:
        """The table of events, with its columns in the order of `_row`."""

    def wake(self) -> None:
        """Rows were committed: make the reader number them now. Callable from any thread; never raises."""

    def erase(self, *, user: int, tokens: Collection[int]) -> int:
        """Remove what the stored events say about a person. Returns how many were rewritten."""


port = Port[Outbox]("Outbox")


class _Chosen:
    """The types that are stored, read once from the settings: every message asks for some of them."""

    names: frozenset[str]

    @classmethod
    def read(cls, **_signal: object) -> None:
        plain = {each.name for each in catalogue.EVENTS.values() if not each.is_starred}
        cls.names = frozenset(plain | catalogue.matching(settings.EVENT_TYPES, among=catalogue.STARRED))


_Chosen.read()
setting_changed.connect(_Chosen.read)


def is_chosen(type: EventType) -> bool:
    """Whether events of this type are stored: a starred one only when EVENT_TYPES names it."""
    return type.name in _Chosen.names


def add(
    unit: Unit, type: EventType, data: dict[str, Any], *, station: str = "", site: int | None = None
) -> None:
    """Add an event to a unit of work. Without a station's identity the event gets no sequence."""
    if type.name in _Chosen.names:
        unit.append(port.app.table, _row(type, data, station, site))
        unit.when_stored = _announce


def emit(type: EventType, /, *, station: str = "", site: int | None = None, **data: Any) -> None:
    """Store an event in the database transaction of the caller. For code outside of a station's message."""
    if type.name in _Chosen.names:
        port.app.table.insert([_row(type, data, station, site)])
        transaction.on_commit(port.app.wake, robust=True)


def emit_many(type: EventType, events: list[tuple[str, int | None, dict[str, Any]]]) -> None:
    """`emit` for (station, site, data) of many events at once."""
    if events and type.name in _Chosen.names:
        port.app.table.insert([_row(type, data, station, site) for station, site, data in events])
        transaction.on_commit(port.app.wake, robust=True)


def _announce(stored: asyncio.Future[Any]) -> None:
    if not stored.cancelled() and stored.exception() is None:
        port.app.wake()


def _row(type: EventType, data: dict[str, Any], station: str, site: int | None) -> Row:
    if not type.names >= data.keys():
        raise TypeError(f"{type.name} has no field {', '.join(sorted(data.keys() - type.names))}")
    at = datetime.now(UTC)
    return (
        new_uid(),
        type.name,
        type.version,
        station,
        site,
        None,
        None,
        _encoded(data),
        type.is_personal,
        at,
    )


def new_uid() -> str:
    """`evt_` and a UUIDv7 in hex. `uuid` has none before Python 3.14, and would take three times as long.

    Unique and not secret, so a generator is enough; Python seeds it anew after a fork. `os.urandom` releases
    the interpreter lock, and the event loop would then wait for the writer thread at every event.
    """
    bits = f"{random.getrandbits(72):018x}"  # noqa: S311 - no secret
    return f"evt_{time.time_ns() // 1_000_000:012x}7{bits[:3]}8{bits[3:]}"


def _encoded(data: dict[str, Any]) -> str:
    text = orjson.dumps(data, _plain, orjson.OPT_PASSTHROUGH_DATETIME)
    if len(text) > MAX_DATA:
        text = orjson.dumps(
            {**_shortened(data, _CUT_TEXT), TRUNCATED: True}, _plain, orjson.OPT_PASSTHROUGH_DATETIME
        )
        if len(text) > MAX_DATA:
            text = orjson.dumps(
                {**_shortened(data, _CUT_TEXT // 10), TRUNCATED: True},
                _plain,
                orjson.OPT_PASSTHROUGH_DATETIME,
            )
    return text.decode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return time_text(value.astimezone(UTC))
    raise TypeError(f"{value!r} cannot be in an event")


def _shortened(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value[:longest]
    if isinstance(value, dict):
        return {name: _shortened(item, longest) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item, longest) for item in value[:_CUT_LIST]]
    return value


# -- values --------------------------------------------------------------------------------------------------


def masked_token(uid: str) -> str:
    """The first four characters of a token, of a short one two, and four dots: `04A1••••`."""
    return (uid[:4] if len(uid) >= 8 else uid[:2]) + MASKED if uid else ""


def number(value: float | None) -> float | int | None:
    """A number as the API writes it: without rounding errors, and whole numbers without `.0`."""
    if value is None:
        return None
    value = round(value, 6)
    return int(value) if value == int(value) else value
