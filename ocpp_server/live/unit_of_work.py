"""The changes of one message: all stored or all rolled back, in the database and in the live state.

Handlers and services change the live station and gather rows in `station.unit`. `store` commits the rows and
then publishes the changes in the live state. When the rows are not stored, the live state must not keep the
changes: `roll_back` reloads the station from the database, `abandon` removes its new transactions without
one.
"""

from __future__ import annotations

from types import TracebackType

import structlog
from django.db import Error as DatabaseError

from ocpp_server import live
from ocpp_server.live.extensions import load_station
from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import CommitRefused, StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit

log = structlog.get_logger(__name__)


async def store(unit: Unit) -> None:
    """Commit a unit and empty it.

    Raises CommitRefused when the database refuses a row or a function of the unit fails, StorageUnavailable
    when it can't be written.
    """
    if not unit:
        return
    try:
        await journal.commit(unit)
    except (DatabaseError, ValueError, OverflowError) as error:
        raise CommitRefused(str(error)) from error
    except StorageUnavailable:
        raise
    except Exception as error:
        log.exception("unit.failed")
        raise CommitRefused(str(error)) from error


class UnitOfWork:
    """The unit of work of one station's message. As a context manager it abandons it after an exception."""

    __slots__ = ("_station",)

    def __init__(self, station: Station) -> None:
        self._station = station

    def __enter__(self) -> UnitOfWork:
        self._station.is_uncommitted = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abandon()
        elif self._station.is_uncommitted:
            # Nothing had to be stored. What was due to be published meanwhile has waited.
            self._station.is_uncommitted = False
            live.state().station_changed(self._station)

    async def store(self) -> None:
        """Commit the changes of the message, then publish them in the live state.

        Raises CommitRefused and StorageUnavailable; the caller rolls back or abandons.
        """
        station = self._station
        await store(station.unit)
        state = live.state()
        if station.changed:
            for transaction in station.changed:
                state.transaction_changed(transaction)
            station.changed.clear()
        if station.claimed:
            station.opened.clear()
            station.claimed.clear()
        if station.used_tokens:
            for pk in station.used_tokens:
                state.token_used(pk, station.received_at)
            station.used_tokens.clear()
        station.is_uncommitted = False
        state.station_changed(station)

    async def roll_back(self) -> None:
        """Discard the changes of the message by reloading the station from the database.

        The station object stays the same, because handlers and commands hold it. Raises StorageUnavailable.
        """
        station = self._station
        self._forget()
        fresh = await journal.run(load_station, station.pk, station.version)
        before = list(station.transactions.values())
        station.take_over(fresh)
        live.state().station_loaded(station.transactions.values(), before=before)

    def abandon(self) -> None:
        """Discard the changes of the message while the database cannot be read.

        The caller then closes the socket, and the station's next connection loads the stored state. Until
        then no other station may find a transaction that was never stored, and this state of the station is
        not published any more.
        """
        station = self._station
        opened = [transaction.id for transaction in station.opened]
        self._forget()
        for number in opened:
            station.transactions.pop(number, None)

    def _forget(self) -> None:
        station, state = self._station, live.state()
        station.unit.clear()
        for transaction in station.claimed:
            state.transaction_undone(transaction)
        for gathered in (station.opened, station.claimed, station.changed, station.used_tokens):
            gathered.clear()
