"""How apps load the live state: the parts of a station, and everything else it reads from the database.

The engine owns the attributes of the live station, because every message reads them; the apps know in which
rows they are stored. Each app registers its part by name in `AppConfig.ready`, and `require` stops the start
of a process when a part is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
from django.core.exceptions import ImproperlyConfigured

from ocpp_server.live.records import Consumption, TokenRecord, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.ports import Port

# The stations that are loaded together, by primary key. A station that connects twice at one moment is here
# twice.
ByKey = dict[int, list[Station]]
# One thing that Redis shows of a station: its field, what has to differ for it to be written again, and the
# struct that is written.
Entry = tuple[str, object, msgspec.Struct]

# Stations that one statement asks about.
_STATIONS_AT_ONCE = 500


class StationRows(Protocol):
    """Where charge points are stored."""

    def load_stations(self, wanted: list[tuple[int, str]]) -> list[Station]:
        """A new live station for each (primary key, version), its own row loaded. Raises when a row is
        missing.
        """


class StoredTransactions(Protocol):
    """Where transactions are stored. All functions use the database; the engine runs them in the journal."""

    def load_running(self) -> tuple[int, list[TransactionState]]:
        """The highest transaction number issued, and the running transactions."""

    def active_numbers(self) -> list[int]:
        """The numbers of the running transactions."""

    def highest_number(self) -> int:
        """The highest transaction number issued, as far as the database knows."""

    def keep_number(self, number: int) -> None:
        """Store the highest number issued; it never decreases."""


class StoredTokens(Protocol):
    """Where tokens are stored, with all that decides whether they may charge."""

    def read_all_tokens(self, uid_keys: list[str]) -> list[tuple[TokenRecord, ...]]:
        """For each normalised uid its tokens, the oldest first."""

    def read_consumption(self, subject: str) -> Consumption:
        """The energy of this day and this month of a token ("token:7") or a contract ("contract:3")."""


class StoredKeys(Protocol):
    """Where the stored configuration is: keys whose values differ from their defaults, secrets left out."""

    def read_stored_keys(self, identity: str) -> dict[str, str]:
        """The keys of one station."""

    def read_all_stored_keys(self) -> dict[str, dict[str, str]]:
        """The keys of every station by identity, stations without keys included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A part of a live station: how one app loads it for many stations at once, and shows it in Redis.

    `show` gives entries of the hash `P:business:{name}:{identity}`. Redis keeps the hash until the station is
    removed.
    """

    name: str
    load: Callable[[ByKey], None]
    show: Callable[[Station], Iterable[Entry]] | None = None


rows = Port[StationRows]("StationRows")
transactions = Port[StoredTransactions]("StoredTransactions")
tokens = Port[StoredTokens]("StoredTokens")
keys = Port[StoredKeys]("StoredKeys")
# By name, in the order of registration: INSTALLED_APPS decides it.
_extensions: dict[str, Extension] = {}
# The extensions that load the engine's own attributes of a station (`station.LOADED`).
_REQUIRED = ("connectors", "transactions", "remote_starts", "orphans")


def register(extension: Extension) -> None:
    """Add an extension; from `AppConfig.ready`. Raises ImproperlyConfigured for a name that is taken."""
    if _extensions.setdefault(extension.name, extension) is not extension:
        raise ImproperlyConfigured(f"Two apps register the station extension {extension.name!r}.")


def registered() -> Mapping[str, Extension]:
    """The extensions by name."""
    return _extensions


def require() -> None:
    """Check that the apps have registered all that the live state needs; called at the start of a process.

    Raises ImproperlyConfigured.
    """
    # A port that no app has filled raises with its own sentence.
    for _ in (
        rows.app.load_stations,
        transactions.app.load_running,
        tokens.app.read_all_tokens,
        keys.app.read_stored_keys,
    ):
        pass
    if missing := [name for name in _REQUIRED if name not in _extensions]:
        raise ImproperlyConfigured(
            f"No installed app registers the station extension {', '.join(missing)}: an app has to do so in "
            "its AppConfig.ready."
        )


def load_station(charge_point_pk: int, version: str) -> Station:
    """The live station of a charge point, with all that the apps load of it."""
    return load_stations([(charge_point_pk, version)])[0]


def load_stations(wanted: list[tuple[int, str]]) -> list[Station]:
    """The live stations of charge points (primary key, version): all that connect at one moment.

    After a restart thousands connect at once; one station alone costs seven queries, five hundred cost as
    many.
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
        extension.load(by_pk)
    return stations
