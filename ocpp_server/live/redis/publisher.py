"""Publishes the stations of this process in Redis: connectors, running transactions, and news of changes.

Only changes are written. All changes that occur while a pipeline runs go into the next one, so a batch of the
journal becomes one pipeline. No message waits for it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import msgspec
import structlog

from ocpp_server.live import extensions
from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.records import TransactionState
from ocpp_server.live.redis.keys import Keys
from ocpp_server.live.redis.link import Link
from ocpp_server.live.redis.wire import Part
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate.energy import mwh_of, wh_of

log = structlog.get_logger(__name__)

# The most news that are kept during an outage.
MAX_UNPUBLISHED = 10_000
# Redis replies to so many commands long before the timeout.
COMMANDS_AT_ONCE = 1000

_encode = msgspec.json.Encoder().encode


class Running(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The part of a running transaction that other processes need."""

    id: int
    ocpp_id: str
    station: str
    evse: int | None = None
    connector: int | None = None
    id_token: str = ""
    token_key: str = ""
    group_id: str = ""
    authorization_status: str = ""
    energy_mwh: int = 0
    # Of processes of the release before, which write and read it during an upgrade.
    energy_wh: float = 0.0
    suspect_reasons: list[str] = []
    started_at: datetime
    last_message_at: datetime

    @classmethod
    def of(cls, transaction: TransactionState) -> Running:
        shared = {name: getattr(transaction, name) for name in cls.__struct_fields__ if name != "energy_wh"}
        return cls(energy_wh=wh_of(transaction.energy_mwh), **shared)

    def state(self) -> TransactionState:
        shared = msgspec.structs.asdict(self)
        energy_mwh = mwh_of(shared.pop("energy_wh"))
        return TransactionState(**(shared | {"energy_mwh": self.energy_mwh or energy_mwh}))


def running_text(transaction: TransactionState) -> str:
    return _encode(Running.of(transaction)).decode()


def running_state(text: str) -> TransactionState:
    return msgspec.json.decode(text, type=Running).state()


class _Published:
    """The last published state of one station."""

    __slots__ = ("marks", "transactions")

    def __init__(self) -> None:
        # Published values of the extensions, by extension and field.
        self.marks: dict[tuple[str, str], object] = {}
        self.transactions: dict[int, tuple[str, Any]] = {}

    @classmethod
    def before(cls, station: Station) -> _Published:
        """The transactions that other processes may have written for a station."""
        shown = cls()
        for number, transaction in station.transactions.items():
            if transaction.is_active:
                shown.transactions[number] = (transaction.token_key, None)
        return shown

    def ended(self, station: Station) -> list[tuple[int, str]]:
        """The published transactions that no longer run: numbers with the keys of their tokens."""
        runs = {number for number, known in station.transactions.items() if known.is_active}
        return [(number, key) for number, (key, _) in self.transactions.items() if number not in runs]

    def forget(self) -> None:
        """Publish everything again, but keep the transactions: those that have ended must be removed."""
        self.marks.clear()
        self.transactions = {number: (key, None) for number, (key, _) in self.transactions.items()}


class Publisher:
    """Gathers the changes and writes them in pipelines. Belongs to one event loop."""

    def __init__(self, link: Link, keys: Keys, process: str) -> None:
        self._link = link
        self._keys = keys
        self._process = process
        self._published: dict[str, _Published] = {}
        self._stations: dict[str, Station] = {}
        self._dirty: dict[str, Station] = {}
        self._removed: list[str] = []
        # Changed configuration keys by station and name; None is the default.
        self._keys_changed: dict[tuple[str, str], str | None] = {}
        self._stations_removed: list[str] = []
        self._news: list[list[Any]] = []
        self._writing: asyncio.Task[None] | None = None
        self._scheduled: asyncio.Handle | None = None
        # A write failed: everything is written again as soon as Redis is back.
        self.is_behind = False
        self.pipelines = 0

    # -- changes to publish --------------------------------------------------------------------

    def changed(self, station: Station) -> None:
        if station.identity not in self._published:
            # The station was just loaded. The process that served it before may have published running
            # transactions that end here.
            self._published[station.identity] = _Published.before(station)
        self._dirty[station.identity] = station
        self._schedule()

    def publish(self, *news: Any) -> None:
        """Publish news with the next pipeline."""
        if len(self._news) >= MAX_UNPUBLISHED:
            # The housekeeper compares transactions with the database, but not tokens: make all processes read
            # the tokens again.
            self._news = [["tokens"]]
        self._news.append(list(news))
        self._schedule()

    def remove(self, number: int) -> None:
        """A transaction of a station that this process does not serve has ended."""
        self._removed.append(str(number))
        self._schedule()

    def key_changed(self, identity: str, key: str, value: str | None) -> None:
        self._keys_changed[identity, key] = value
        self._schedule()

    def station_removed(self, identity: str) -> None:
        self.end(identity)
        self._keys_changed = {key: value for key, value in self._keys_changed.items() if key[0] != identity}
        self._stations_removed.append(identity)
        self._schedule()

    def begin(self, identity: str) -> None:
        """This process begins to serve the station, whose state other processes may have published."""
        self._published.pop(identity, None)

    def publishes(self, identity: str) -> bool:
        """Whether this process publishes the station."""
        return identity in self._stations

    def end(self, identity: str) -> None:
        """This process no longer serves the station: publish its ended transactions."""
        shown, station = self._published.pop(identity, None), self._dirty.pop(identity, None)
        self._stations.pop(identity, None)
        if shown is None or station is None or station.is_uncommitted:
            return
        for number, token_key in shown.ended(station):
            self._removed.append(str(number))
            self.publish("ended", number, token_key)

    def repeat(self) -> None:
        """Write everything again, because Redis may have lost it."""
        self.is_behind = False
        for shown in self._published.values():
            shown.forget()
        self._dirty = self._stations | self._dirty
        self._schedule()

    async def settled(self) -> None:
        """Wait until all changes are written, or writing has failed."""
        while self._scheduled is not None or self._writing is not None:
            if self._writing is not None:
                await asyncio.wait([self._writing])
            else:
                await asyncio.sleep(0)  # equivalent: a longer pause changes nothing

    # -- writing ----------------------------------------------------------------------------------

    def _schedule(self) -> None:
        # While Redis is away, changes do not trigger an attempt: `repeat` resumes.
        if self._scheduled is None and self._writing is None and not self.is_behind:
            self._scheduled = asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._scheduled = None
        self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            await self._write_changes()
        except LiveStateUnavailable as error:
            self.is_behind = True
            log.warning("redis.view_unwritten", error=str(error))
        except Exception:
            self.is_behind = True
            log.exception("redis.view_failed")
        finally:
            self._writing = None
            if self._dirty or self._news or self._removed or self._keys_changed or self._stations_removed:
                self._schedule()

    async def _write_changes(self) -> None:
        dirty, self._dirty = self._dirty, {}
        news, self._news = self._news, []
        removed, self._removed = self._removed, []
        keys_changed, self._keys_changed = self._keys_changed, {}
        stations_removed, self._stations_removed = self._stations_removed, []
        commands: list[tuple[Part, ...]] = []
        for identity, station in dirty.items():
            self._stations[identity] = station
            if station.is_uncommitted:
                continue  # the end of its unit of work reports the change again
            self._add_extensions(commands, station)
            self._add_transactions(commands, station, news)
        if removed:
            commands.append(("HDEL", self._keys.transactions, *removed))
        for identity in stations_removed:
            commands.append(("DEL", *self._keys.of_station(identity)))
            commands.append(("SREM", self._keys.stations, identity))
        for (identity, key), value in keys_changed.items():
            if value is None:
                commands.append(("HDEL", self._keys.config(identity), key))
            else:
                commands.append(("HSET", self._keys.config(identity), key, value))
        if news:
            commands.append(("PUBLISH", self._keys.news, news_text(self._process, news)))
        if not commands:
            return
        self.pipelines += 1
        try:
            for start in range(0, len(commands), COMMANDS_AT_ONCE):
                await self._link.attempt(self._link.wire.call_all(commands[start : start + COMMANDS_AT_ONCE]))
        except LiveStateUnavailable:
            # `repeat` writes the running transactions again. Ended transactions and other news would be lost:
            # keep them.
            ended = [str(one[1]) for one in news if one[0] == "ended"]
            self._removed = [*removed, *ended, *self._removed]
            self._keys_changed = keys_changed | self._keys_changed
            self._stations_removed = [*stations_removed, *self._stations_removed]
            self._news = [*(one for one in news if one[0] != "running"), *self._news]
            raise

    def _add_extensions(self, commands: list[tuple[Part, ...]], station: Station) -> None:
        shown = self._published.setdefault(station.identity, _Published()).marks
        for name, extension in extensions.registered().items():
            if extension.show is None:
                continue
            written: list[Part] = []
            for field, mark, value in extension.show(station):
                if shown.get((name, field)) != mark:
                    shown[name, field] = mark
                    written += (field, _encode(value))
            if written:
                commands.append(("SADD", self._keys.stations, station.identity))
                commands.append(("HSET", self._keys.business(name, station.identity), *written))

    def _add_transactions(
        self, commands: list[tuple[Part, ...]], station: Station, news: list[list[Any]]
    ) -> None:
        published = self._published.setdefault(station.identity, _Published())
        shown = published.transactions
        for number, transaction in station.transactions.items():
            if not transaction.is_active:
                continue
            mark = (transaction.token_key, _mark_of_transaction(transaction))
            if shown.get(number) != mark:
                shown[number] = mark
                text = running_text(transaction)
                commands.append(("HSET", self._keys.transactions, number, text))
                news.append(["running", text])
        for number, token_key in published.ended(station):
            del shown[number]
            commands.append(("HDEL", self._keys.transactions, number))
            news.append(["ended", number, token_key])


def news_text(process: str, news: list[list[Any]]) -> str:
    return _encode([process, news]).decode()


def _mark_of_transaction(transaction: TransactionState) -> Any:
    """The values whose change is published; the last message counts by the hour, to save writes."""
    return (
        transaction.evse,
        transaction.connector,
        len(transaction.suspect_reasons),
        # These decide whether the transaction counts for its token: a refused one counts from its first Wh
        # on.
        transaction.authorization_status,
        transaction.has_drawn,
        int(transaction.last_message_at.timestamp()) // 3600,
    )
