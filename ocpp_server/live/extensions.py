"""How apps load the live state from the database: parts of a station, transactions, tokens and stored keys.

The engine defines the attributes of the live station that every message reads; the apps define the tables
that store them. What only one app reads is in a slot of the station, with a state that the app defines. Each
app registers its part by name in `AppConfig.ready`, and `require` stops the start of a process when a part is
missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import msgspec
from django.core.exceptions import ImproperlyConfigured

from ocpp_server.live import loaded
from ocpp_server.live.records import Consumption, TokenRecord, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.ports import Port

# The stations that are loaded together, by primary key. A station that connects twice at the same moment has
# two entries.
ByKey = dict[int, list[Station]]
# A value of a station that is published in Redis: the field, a mark that is compared to detect a change, and
# the struct to write.
Entry = tuple[str, object, msgspec.Struct]

# The most stations in one query.
_STATIONS_AT_ONCE = 500


class StationRows(Protocol):
    """The stored charge points."""

    def load_stations(self, wanted: list[tuple[int, str]]) -> list[Station]:
        """A new live station for each (primary key, version), with its own row loaded.

        Raises when a row is missing.
        """


class StoredTransactions(Protocol):
    """The stored transactions. All functions use the database; the engine runs them in the journal."""

    def load_running(self) -> tuple[int, list[TransactionState]]:
        """The highest transaction number issued, and the running transactions."""

    def active_numbers(self) -> list[int]:
        """The numbers of the running transactions."""

    def highest_number(self) -> int:
        """The highest transaction number in the database."""

    def keep_number(self, number: int) -> None:
        """Store the highest number issued; it never decreases."""


class StoredTokens(Protocol):
    """The stored tokens, with everything that decides whether they may charge."""

    def read_all_tokens(self, uid_keys: list[str]) -> list[tuple[TokenRecord, ...]]:
        """The tokens of each normalised uid, oldest first."""

    def read_consumption(self, subject: str) -> Consumption:
        """The energy that a token ("token:7") or contract ("contract:3") used today and this month."""


class StoredKeys(Protocol):
    """The stored configuration: keys whose values differ from their defaults, without secrets."""

    def read_all_stored_keys(self) -> dict[str, dict[str, str]]:
        """The keys of every station by identity, stations without keys included."""


@dataclass(kw_only=True, eq=False)
class Extension:
    """A part of a live station: how one app loads it for many stations at once and publishes it in Redis.

    `show` returns entries of the hash `P:business:{name}:{identity}`. Redis keeps the hash until the station
    is removed. `forget` gets the identity of a station that was removed or changed by another process, or
    None when changes of any station may have been missed: the app discards its copies of stored data. It may
    be called from any thread.
    """

    name: str
    load: Callable[[ByKey], None] | None = None
    show: Callable[[Station], Iterable[Entry]] | None = None
    forget: Callable[[str | None], None] | None = None


State = TypeVar("State")


@dataclass(kw_only=True, eq=False)
class Slot(Extension, Generic[State]):
    """An extension with a state of its own on each live station: `ORPHANS.of(station)`.

    `empty` makes the state of a new station, a mutable object that `load` fills and services change. A
    reload of the station discards it with all changes.
    """

    empty: Callable[[], State]
    number: int = field(init=False)

    def of(self, station: Station) -> State:
        """The state on a station: an index, no look-up."""
        state: State = station.slots[self.number]
        return state


rows = Port[StationRows]("StationRows")
transactions = Port[StoredTransactions]("StoredTransactions")
tokens = Port[StoredTokens]("StoredTokens")
keys = Port[StoredKeys]("StoredKeys")
# By name, in the order of registration, which is that of INSTALLED_APPS.
_extensions: dict[str, Extension] = {}
# The extensions that load the engine's own attributes of a station.
_REQUIRED = ("connectors", "transactions")


def register(extension: Extension) -> None:
    """Add an extension; from `AppConfig.ready`. Raises ImproperlyConfigured for a name that is taken."""
    known = _extensions.setdefault(extension.name, extension)
    if known is not extension:
        raise ImproperlyConfigured(f"Two apps register the station extension {extension.name!r}.")
    if isinstance(extension, Slot) and not hasattr(extension, "number"):
        extension.number = loaded.add_slot(extension.empty)


def registered() -> Mapping[str, Extension]:
    """The extensions by name."""
    return _extensions


def require() -> None:
    """Check that the apps have registered everything that the live state needs; called when a process starts.

    Raises ImproperlyConfigured.
    """
    # Reading an attribute of a port that no app has filled raises ImproperlyConfigured.
    for _ in (
        rows.app.load_stations,
        transactions.app.load_running,
        tokens.app.read_all_tokens,
        keys.app.read_all_stored_keys,
    ):
        pass
    if missing := [name for name in _REQUIRED if name not in _extensions]:
        raise ImproperlyConfigured(
            f"No installed app registers the station extension {', '.join(missing)}: an app has to do so in "
            "its AppConfig.ready."
        )


def forget(identity: str | None = None) -> None:
    """Make the apps discard their copies of what is stored of a station, or of all; from any thread."""
    for extension in _extensions.values():
        if extension.forget is not None:
            extension.forget(identity)


def load_station(charge_point_pk: int, version: str) -> Station:
    """The live station of a charge point, with all extensions loaded."""
    return load_stations([(charge_point_pk, version)])[0]


def load_stations(wanted: list[tuple[int, str]]) -> list[Station]:
    """The live stations of charge points (primary key, version) that connect at the same moment.

    After a restart thousands of stations connect at once: one station costs twelve queries at most, and five
    hundred together cost as many.
    """
    stations: list[Station] = []
    for start in range(0, len(wanted), _STATIONS_AT_ONCE):
        stations += _load_some(wanted[start : start + _STATIONS_AT_ONCE])
    return stations


def _load_some(wanted: list[tuple[int, str]]) -> list[Station]:
    stations = rows.app.load_stations(wanted)
    by_pk: ByKey = {}
    for station in stations:
        by_pk.setdefault(station.pk, []).append(station)
    for extension in _extensions.values():
        if extension.load is not None:
            extension.load(by_pk)
    return stations
