"""The connected stations in Redis: each connection is a lease, which the process that holds it renews."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import structlog

from ocpp_server.live.interface import ConnectionCallback, LiveStateUnavailable
from ocpp_server.live.records import Connection
from ocpp_server.live.redis.keys import FIND, HOLD, ONLINE, RELEASE, REMOVE_DEAD, RENEW, Keys
from ocpp_server.live.redis.link import Link
from ocpp_server.live.redis.publisher import news_text

log = structlog.get_logger(__name__)

T = TypeVar("T")
# The stations of one script or pipeline: Redis runs nothing else during a script.
CHUNK = 200
# The most unconfirmed releases; connections beyond that end when their leases expire.
MAX_UNCONFIRMED = 10_000


def chunks(items: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


class Leases:
    """The connections of this process, and the identities of all connected stations."""

    def __init__(self, link: Link, keys: Keys, process: str, lease_ms: int) -> None:
        self._link = link
        self._keys = keys
        self._process = process
        self._lease_ms = lease_ms
        # By identity in lower case, with the fencing token, which orders the connections of a station.
        self.held: dict[str, tuple[Connection, str]] = {}
        self.online: dict[str, str] = {}
        # Identities by connection id, of connections that have ended and that Redis may still show: it did
        # not confirm, and runs commands that it received while it hung only when it resumes.
        self._unconfirmed: dict[str, str] = {}
        self.lost: ConnectionCallback | None = None
        self.regained: ConnectionCallback | None = None
        self._tasks: set[asyncio.Future[None]] = set()

    async def take(self, connection: Connection) -> Connection | None:
        """Register a connection of this process. Returns the connection that it replaced."""
        try:
            fence, before = await self._hold(connection, "")
        except BaseException:
            self._remember_unconfirmed(connection.identity, connection.id)
            raise
        key = connection.identity.casefold()
        self.held[key] = (connection, fence)
        self.online[key] = connection.identity
        return _connection(before)

    async def release(self, identity: str, connection_id: str) -> bool:
        """Release a connection; returns whether it was the current one.

        True while Redis is away: the lease expires by itself.
        """
        key = identity.casefold()
        held = self.held.get(key)
        if held is not None and held[0].id == connection_id:
            del self.held[key]
        try:
            return await self._release(identity, connection_id)
        except LiveStateUnavailable:
            self._remember_unconfirmed(identity, connection_id)
            if key not in self.held:
                self.online.pop(key, None)
            return True

    async def find(self, identity: str) -> Connection | None:
        spelling = self.online.get(identity.casefold(), identity)
        found = await self._link.run(FIND, [self._keys.clients, self._keys.session(spelling)], spelling)
        return _connection(found)

    async def read(self, *, is_complete: bool) -> None:
        """Read the online stations from Redis. `is_complete`: a station that is missing there is offline."""
        living = await self._link.run(ONLINE, [self._keys.clients], "living")
        mine = [connection.identity for connection, _ in self.held.values()]
        known = [] if is_complete else list(self.online.values())
        self.online = {identity.casefold(): identity for identity in (*known, *living, *mine)}

    def received(self, kind: str, identity: str, connection_id: str = "", fence: str = "") -> None:
        """Apply news that a station has connected or disconnected.

        A gateway sends its connection id and fencing token too: a newer connection replaces the one held
        here.
        """
        key = identity.casefold()
        if kind == "online":
            self.online[key] = identity
            held = self.held.get(key)
            if held is not None and fence and held[0].id != connection_id and int(fence) > int(held[1]):
                self._notify(self.lost, held[0].id)
        elif key not in self.held:
            self.online.pop(key, None)

    async def renew(self, *, was_flushed: bool) -> None:
        """Renew the leases of this process: restore lost ones, give up those with a newer connection."""
        await self._release_unconfirmed()
        for some in chunks(list(self.held.values())):
            keys = [self._keys.clients, *(self._keys.session(connection.identity) for connection, _ in some)]
            pairs = [part for connection, _ in some for part in (connection.identity, connection.id)]
            states = await self._link.run(RENEW, keys, self._lease_ms, *pairs)
            for (connection, fence), state in zip(some, states, strict=True):  # equivalent: one each
                if state != 1 and self._still_holds(connection):
                    await self._restore(connection, fence, was_flushed=was_flushed)

    async def _release_unconfirmed(self) -> None:
        for connection_id, identity in list(self._unconfirmed.items()):
            await self._release(identity, connection_id)
            del self._unconfirmed[connection_id]

    def _remember_unconfirmed(self, identity: str, connection_id: str) -> None:
        if len(self._unconfirmed) < MAX_UNCONFIRMED:
            self._unconfirmed[connection_id] = identity

    async def _restore(self, connection: Connection, fence: str, *, was_flushed: bool) -> None:
        # The fencing token distinguishes a newer connection from an older one that a restart of Redis
        # restored.
        written, _ = await self._hold(connection, fence)
        if not self._still_holds(connection):
            # The connection was closed during the request.
            await self.release(connection.identity, connection.id)
            return
        if written == "0":
            log.warning("station.lost", station=connection.identity)
            self._notify(self.lost, connection.id)
        elif not was_flushed:
            # The lease had expired: another process may have served the station since.
            log.warning("station.regained", station=connection.identity)
            self._notify(self.regained, connection.id)

    def _still_holds(self, connection: Connection) -> bool:
        held = self.held.get(connection.identity.casefold())
        return held is not None and held[0] is connection

    async def remove_dead(self) -> None:
        """Remove expired leases: the process that held the connection has died."""
        for identity in await self._link.run(ONLINE, [self._keys.clients], "dead"):
            keys = [self._keys.clients, self._keys.session(identity)]
            if await self._link.run(REMOVE_DEAD, keys, identity, self._keys.news, _news("offline", identity)):
                log.warning("station.lease_ended", station=identity)

    async def gone(self, believed: Mapping[str, str]) -> dict[str, datetime | None]:
        """The ids of the given connections ({identity: connection id}) that no process holds, each with the
        time at which its station connected again, if it has.
        """
        missing: dict[str, datetime | None] = {}
        for some in chunks(list(believed)):
            pipeline = self._link.redis.pipeline(transaction=False)
            for identity in some:
                pipeline.hmget(self._keys.session(identity), "session_id", "connected_at")
            current = await self._link.attempt(pipeline.execute())
            for identity, (held, since) in zip(some, current, strict=True):  # equivalent: one for each
                if held != believed[identity]:
                    missing[believed[identity]] = _moment(since)
        return missing

    async def _release(self, identity: str, connection_id: str) -> bool:
        keys = [self._keys.clients, self._keys.session(identity)]
        news = _news("offline", identity)
        return bool(await self._link.run(RELEASE, keys, identity, connection_id, self._keys.news, news))

    async def _hold(self, connection: Connection, fence: str) -> tuple[str, list[str]]:
        fields: dict[str, str | int] = {
            "charge_point_id": connection.identity,
            "session_id": connection.id,
            "ws_server_id": self._process,
            "channel": connection.channel,
            "remote_addr": connection.remote_address,
            "protocol": connection.version,
            "connected_at": connection.connected_at.isoformat(),
            "last_activity": int(time.time()),
        }
        written, before = await self._link.run(
            HOLD,
            [self._keys.clients, self._keys.session(connection.identity)],
            connection.identity,
            self._lease_ms,
            fence,
            self._keys.news,
            _news("online", connection.identity),
            *(part for field in fields.items() for part in field),
        )
        return written, before

    def _notify(self, notice: ConnectionCallback | None, connection_id: str) -> None:
        if notice is not None:
            task = asyncio.ensure_future(notice(connection_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def _news(kind: str, identity: str) -> str:
    """News without a sender: this process applies it too, in the order in which Redis ran the scripts."""
    return news_text("", [[kind, identity]])


def _moment(text: str | None) -> datetime | None:
    """A time with its zone; None for anything else: any client can write a session."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _connection(flat: list[str]) -> Connection | None:
    """The connection in a session hash; None if it is empty or invalid: any client can write one."""
    fields: dict[str, Any] = dict(zip(flat[::2], flat[1::2], strict=True))
    if not fields:
        return None
    try:
        return Connection(
            id=fields["session_id"],
            identity=fields["charge_point_id"],
            version=fields["protocol"],
            channel=fields.get("channel", ""),
            remote_address=fields["remote_addr"],
            connected_at=datetime.fromisoformat(fields["connected_at"]),
            server=fields.get("ws_server_id", ""),
        )
    except (KeyError, ValueError) as error:
        log.warning("redis.odd_session", station=fields.get("charge_point_id", ""), error=repr(error))
        return None
