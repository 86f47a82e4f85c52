"""The live state that several processes share through Redis.

Scripts in Redis decide atomically which process holds a connection (`scripts/`): the newest authenticated
connection wins, a late close changes nothing. A connection is a lease: the process that holds it renews it,
and when the process dies the lease expires.

Each process keeps everything that every message needs (tokens, running transactions, online stations). The
processes publish their changes as news, and after a gap in the news a process reads everything again. So a
message waits for Redis only for the number of a new transaction. The database is permanent: after a flush,
the first process that notices it refills Redis from the database, and every process restores its leases.
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog
from django.conf import settings

from ocpp_server.live import extensions
from ocpp_server.live.interface import ConnectionCallback, LiveStateUnavailable
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.records import Connection, Consumption, TokenRecord, TransactionState
from ocpp_server.live.redis.blocking import publish_blocking
from ocpp_server.live.redis.configuration import refill_keys
from ocpp_server.live.redis.keys import ELECT, MARK, RESIGN, Keys, Script
from ocpp_server.live.redis.leases import Leases, chunks
from ocpp_server.live.redis.link import Link, end_tasks
from ocpp_server.live.redis.numbers import Numbers
from ocpp_server.live.redis.probes import RedisProbes
from ocpp_server.live.redis.publisher import Publisher, running_state, running_text
from ocpp_server.live.redis.recent import RedisRecent
from ocpp_server.live.redis.running import RunningHash
from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

# The longest time until every process has noticed a flush of Redis: a tick, and the message it is handling.
NOTICED_S = 3.0  # equivalent: a longer time only delays the second comparison
NEVER = -math.inf


class RedisState(MemoryState):
    """See the module's docstring. Replay memories are not shared: losing them does no harm."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self.process = f"{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
        self._keys = Keys(settings.REDIS_STATE_PREFIX)
        # This long after an outage, every process has had the time to renew its leases.
        self._lease_s = float(settings.REDIS_STATE_TTL)
        self._lease_ms = int(settings.REDIS_STATE_TTL * 1000)
        self._link = Link(
            settings.REDIS_URL, self._keys.news, up=self._up, news=self._received, tick=self._tick
        )
        self.recent = RedisRecent(self._link, self._keys)
        self.probes = RedisProbes(self._link, self._keys)
        self._numbers = Numbers(self._link, self._keys)
        self._running_hash = RunningHash(self._link, self._keys)
        self._publisher = Publisher(self._link, self._keys, self.process)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leases = Leases(self._link, self._keys, self.process, self._lease_ms)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._mark = self._run = ""  # equivalent: any value that is no mark
        self._marked_at = self._renew_at = self._read_at = NEVER
        # How this process stands for election: "first", "spare", or not at all.
        self._candidacy = ""  # equivalent: None is empty too
        self._elected_until = NEVER
        # Redis was refilled, or news may be missing: read everything again.
        self._is_behind = False  # equivalent: the start reads everything, whatever the value

    # -- the process ------------------------------------------------------------------------------

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._link.start()

    async def stop(self) -> None:
        await self._publisher.settled()
        await end_tasks(list(self._tasks))
        try:
            await self._link.run(RESIGN, self._keys.election, self.process)
        except LiveStateUnavailable:
            log.warning("redis.office_not_resigned")
        await self._link.stop()
        self._loop = None

    def watch(self, *, lost: ConnectionCallback, regained: ConnectionCallback) -> None:
        self._leases.lost, self._leases.regained = lost, regained

    async def status(self) -> dict[str, dict[str, object]]:
        try:
            async with asyncio.timeout(2):
                # Write, because a Redis that refuses to write (full, a replica, a broken disk) is not ready.
                await self._link.attempt(self._link.redis.set(self._keys.probe, self.process, ex=60))
        except TimeoutError:
            return {"redis": {"ok": False, "detail": "Redis does not answer."}}
        except LiveStateUnavailable as error:
            return {"redis": {"ok": False, "detail": str(error)}}
        if self._link.up_since is None:
            return {"redis": {"ok": False, "detail": "News from the other processes do not arrive."}}
        return {"redis": {"ok": True, "detail": "Redis answers.", "stations": len(self._leases.held)}}

    @property
    def away(self) -> tuple[float, str] | None:
        since = self._link.down_since
        return None if since is None else (since, self._link.error)

    def stand_for_election(self, *, is_first: bool) -> None:
        self._candidacy = "first" if is_first else "spare"

    @property
    def is_housekeeper(self) -> bool:
        return time.monotonic() < self._elected_until

    # -- presence ---------------------------------------------------------------------------------

    async def connect(self, connection: Connection) -> Connection | None:
        replaced = await self._leases.take(connection)
        self._publisher.begin(connection.identity)
        return replaced

    async def disconnect(self, identity: str, connection_id: str) -> bool:
        held = self._leases.held.get(identity.casefold())
        if held is not None and held[0].id == connection_id:
            self._publisher.end(identity)
        return await self._leases.release(identity, connection_id)

    async def connection(self, identity: str) -> Connection | None:
        found = await self._leases.find(identity)
        if found is None and self._link.up_since is None:
            # No lease could be renewed during the outage, so a missing lease does not mean the station is
            # offline.
            raise LiveStateUnavailable(f"Redis was away a moment ago ({self._link.error or 'no news'}).")
        return found

    async def registered(self, identity: str) -> Connection | None:
        return await self._leases.find(identity)

    def connected(self) -> list[str]:
        return sorted(self._leases.online.values())

    def is_connected(self, identity: str) -> bool:
        return identity.casefold() in self._leases.online

    def serve(self, identity: str) -> None:
        self._publisher.begin(identity)

    def unserve(self, identity: str) -> None:
        self._publisher.end(identity)

    async def run(self, script: Script, keys: list[str], *arguments: str | int) -> Any:
        return await self._link.run(script, keys, *arguments)

    async def gone(self, believed: Mapping[str, str]) -> dict[str, datetime | None]:
        up_since, now = self._link.up_since, time.monotonic()
        if up_since is None or now - up_since < self._lease_s or now - self._marked_at < self._lease_s:
            # Redis was away or empty a moment ago: not every living process has renewed its leases yet.
            return {}
        await self._leases.remove_dead()
        return await self._leases.gone(believed)

    # -- tokens -----------------------------------------------------------------------------------

    async def tokens(self, uid_key: str) -> tuple[TokenRecord, ...]:
        if not self.is_current:
            # News of a change would not arrive, and a blocked token must not be accepted: skip the cache.
            self._tokens.pop(uid_key, None)
        return await super().tokens(uid_key)

    def forget_token(self, uid_key: str) -> None:
        super().forget_token(uid_key)
        self._publish("token", uid_key)

    def forget_tokens(self) -> None:
        super().forget_tokens()
        self._publish("tokens")

    async def consumed(self, subject: str) -> Consumption:
        if not self.is_current:
            self._consumed.pop(subject, None)
        return await super().consumed(subject)

    # -- stored data of stations ------------------------------------------------------------------

    @property
    def is_current(self) -> bool:
        return self._link.up_since is not None

    def stored_key_changed(self, identity: str, key: str, value: str | None) -> None:
        super().stored_key_changed(identity, key, value)
        self._publish("key", identity, key, value)

    def station_removed(self, identity: str) -> None:
        super().station_removed(identity)
        self._publish("removed", identity)

    # -- running transactions ---------------------------------------------------------------------

    async def next_transaction_number(self) -> int:
        number = await self._numbers.next(at_least=self._number)
        self._number = max(self._number, number)
        return number

    def station_changed(self, station: Station) -> None:
        self._publisher.changed(station)

    def transaction_abandoned(self, number: int, token_key: str) -> None:
        super().transaction_abandoned(number, token_key)
        self._publish("ended", number, token_key)

    def rebuild(self, *, last_number: int, active: Iterable[TransactionState]) -> None:
        self._running.clear()
        self._groups.clear()
        super().rebuild(last_number=last_number, active=active)

    async def reconcile(self) -> None:
        """Make the running transactions in Redis those of the database, and store the last number."""
        shown = await self._running_hash.numbers()
        # A transaction that Redis showed before the query and that is not active in the database has ended.
        active = set(await journal.run(extensions.transactions.app.active_numbers))
        await self._take_out(shown - active)
        missing = active - shown
        if missing:
            _, states = await journal.run(extensions.transactions.app.load_running)
            added = {state.id: state for state in states if state.id in missing}
            for some in chunks(list(added.values())):
                pipeline = self._link.redis.pipeline(transaction=False)
                for state in some:
                    pipeline.hset(self._keys.transactions, str(state.id), running_text(state))
                await self._link.attempt(pipeline.execute())
            # A transaction that ended between the two reads was removed before it was added here.
            still = set(await journal.run(extensions.transactions.app.active_numbers))
            await self._take_out(added.keys() - still)
            for number in added.keys() & still:
                self.transaction_changed(added[number])
                self._publisher.publish("running", running_text(added[number]))
        last = await self._link.attempt(self._link.redis.get(self._keys.numbers))
        if last is not None:
            await journal.run(extensions.transactions.app.keep_number, int(last))

    async def _take_out(self, numbers: Iterable[int]) -> None:
        for state in await self._running_hash.states(numbers):
            log.warning("transaction.not_running", transaction=state.id, station=state.station)
            self.transaction_abandoned(state.id, state.token_key)

    # -- news -------------------------------------------------------------------------------------

    def _publish(self, *news: Any) -> None:
        """Publish news; from any thread, and from a process without an engine (`manage.py`), which blocks."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._publish_here, news)
            return
        publish_blocking(self._keys, self.process, news)

    def _publish_here(self, news: tuple[Any, ...]) -> None:
        if news[0] == "ended":
            self._publisher.remove(int(news[1]))
        elif news[0] == "key":
            self._publisher.key_changed(*news[1:])
        elif news[0] == "removed":
            self._publisher.station_removed(news[1])
        self._publisher.publish(*news)

    def _received(self, text: str) -> None:
        try:
            process, news = msgspec.json.decode(text)
            for kind, *what in () if process == self.process else news:
                self._apply(kind, what)
        except (ValueError, TypeError, LookupError) as error:
            # Any client of Redis can publish anything. After news that cannot be decoded, read everything
            # again.
            log.warning("redis.odd_news", error=str(error))
            self._is_behind = True

    def _apply(self, kind: str, what: list[Any]) -> None:
        if kind == "token":
            super().forget_token(what[0])
        elif kind == "tokens":
            super().forget_tokens()
        elif kind == "running":
            self.transaction_changed(running_state(what[0]))
        elif kind == "ended":
            super().transaction_abandoned(int(what[0]), what[1])
        elif kind in ("key", "removed"):
            extensions.forget(what[0])
        elif kind in ("online", "offline"):
            self._leases.received(kind, *what)
        elif kind == "rebuilt":
            self._is_behind = True

    # -- keeping up -------------------------------------------------------------------------------

    async def _up(self) -> None:
        """After a (re)subscription: read everything again, because news may have been missed."""
        super().forget_tokens()
        extensions.forget()
        # A restart of Redis may have restored older data, the mark included: compare the run id.
        server = await self._link.attempt(self._link.redis.info("server"))
        self._run = server["run_id"]
        was_flushed = await self._check_for_flush(has_asked=True)
        await self._leases.renew(was_flushed=was_flushed)
        self._publisher.repeat()
        await self._read()

    async def _tick(self) -> None:
        now = time.monotonic()
        was_flushed = await self._check_for_flush()
        if was_flushed or now >= self._renew_at:
            self._renew_at = now + self._lease_s / 3
            await self._leases.renew(was_flushed=was_flushed)
        if was_flushed or self._publisher.is_behind:
            self._publisher.repeat()
        if self._is_behind:
            await self._read()
        elif now >= self._read_at:
            self._read_at = now + self._lease_s
            await self._leases.read(is_complete=self._is_complete)
        if self._candidacy:
            is_elected = await self._link.run(
                ELECT, self._keys.election, self.process, self._lease_ms, self._candidacy
            )
            self._elected_until = now + self._lease_s if is_elected else NEVER

    async def _check_for_flush(self, *, has_asked: bool = False) -> bool:
        """Whether Redis was flushed or replaced since the last call.

        The first process that notices refills it from the database.
        """
        mark, age_ms, is_first = await self._link.run(
            MARK, [self._keys.mark], uuid.uuid4().hex, self._run, "1" if has_asked else ""
        )
        changed, self._mark = bool(mark != self._mark), mark
        self._marked_at = time.monotonic() - int(age_ms) / 1000
        if is_first:
            log.warning("redis.new")
            task = asyncio.get_running_loop().create_task(self._refill())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return changed

    async def _refill(self) -> None:
        await self._fill()
        log.info("redis.refilled")
        # Redis also lost the leases, so two processes may have published one station at once: compare again
        # when they have noticed the flush.
        await asyncio.sleep(NOTICED_S)
        await self._fill()

    async def _fill(self) -> None:
        while True:
            try:
                await self.reconcile()
                await refill_keys(self._link, self._keys)
            except StorageUnavailable as error:
                log.warning("redis.refill_waits", error=str(error))
                await asyncio.sleep(1)
            else:
                self._publisher.publish("rebuilt")
                return

    @property
    def _is_complete(self) -> bool:
        """Whether Redis has all entries again: soon after a flush, a missing one may not be restored yet."""
        return time.monotonic() - self._marked_at > self._lease_s

    async def _read(self) -> None:
        """Read the online stations and the running transactions from Redis."""
        self._is_behind = False
        await self._leases.read(is_complete=self._is_complete)
        shown = await self._running_hash.numbers()
        known = {number: state for some in self._running.values() for number, state in some.items()}
        for state in await self._running_hash.states(shown - known.keys()):
            self.transaction_changed(state)
        if not self._is_complete:
            return
        for number, state in known.items():
            # A station of this process may have just begun it. Other processes write a transaction to Redis
            # before they publish it as news.
            is_held = state.station.casefold() in self._leases.held
            if number not in shown and not is_held and not self._publisher.publishes(state.station):
                super().transaction_abandoned(number, state.token_key)
