"""The connected stations in Redis: leases that their holders renew."""

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
# How many stations one step covers: Redis does nothing else meanwhile.
CHUNK = 200
# Beyond this many, connections end when their leases expire.
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
        # By identity without case, with the fence that orders the connections of a station.
        self.held: dict[str, tuple[Connection, str]] = {}
        self.online: dict[str, str] = {}
        # Connections that have ended and that Redis may still show, because it did not confirm: a command
        # that reached it while it hung is carried out when it resumes. Identity by connection id.
        self._unconfirmed: dict[str, str] = {}
        self.lost: ConnectionCallback | None = None
        self.regained: ConnectionCallback | None = None
        self._tasks: set[asyncio.Future[None]] = set()

    async def take(self, connection: Connection) -> Connection | None:
        """Become the holder. Returns the connection that was there before."""
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
        """Whether it was the current connection. While Redis is away: True, because the lease expires by
        itself.
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
        """Read the online stations from Redis. `is_complete`: a station that Redis does not have is really
        gone.
        """
        living = await self._link.run(ONLINE, [self._keys.clients], "living")
        mine = [connection.identity for connection, _ in self.held.values()]
        known = [] if is_complete else list(self.online.values())
        self.online = {identity.casefold(): identity for identity in (*known, *living, *mine)}

    def received(self, kind: str, identity: str, connection_id: str = "", fence: str = "") -> None:
        """A station connected or disconnected. This is also how a gateway announces that its connection is
        the newest.
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
        """Renew our leases, restore those that Redis lost, give up those that a newer connection took."""
        await self._release_unconfirmed()
        for some in chunks(list(self.held.values())):
            keys = [self._keys.clients, *(self._keys.session(connection.identity) for connection, _ in some)]
            pairs = [part for connection, _ in some for part in (connection.identity, connection.id)]
            states = await self._link.run(RENEW, keys, self._lease_ms, *pairs)
            for (connection, fence), state in zip(some, states, strict=True):
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
        # The fence tells a newer connection from an older one that a restart of Redis brought back.
        written, _ = await self._hold(connection, fence)
        if not self._still_holds(connection):
            # It was closed while we put it back.
            await self.release(connection.identity, connection.id)
            return
        if written == "0":
            log.warning("station.lost", station=connection.identity)
            self._notify(self.lost, connection.id)
        elif not was_flushed:
            # Redis considered this process dead: others may have served the station since.
            log.warning("station.regained", station=connection.identity)
            self._notify(self.regained, connection.id)

    def _still_holds(self, connection: Connection) -> bool:
        held = self.held.get(connection.identity.casefold())
        return held is not None and held[0] is connection

    async def remove_dead(self) -> None:
        """Remove the leases of stations whose holders have died."""
        for identity in await self._link.run(ONLINE, [self._keys.clients], "dead"):
            keys = [self._keys.clients, self._keys.session(identity)]
            if await self._link.run(REMOVE_DEAD, keys, identity, self._keys.news, _news("offline", identity)):
                log.warning("station.lease_ended", station=identity)

    async def gone(self, believed: Mapping[str, str]) -> list[str]:
        """Of these connections ({identity: connection id}) the ids that no process holds."""
        missing = []
        for some in chunks(list(believed)):
            pipeline = self._link.redis.pipeline(transaction=False)
            for identity in some:
                pipeline.hget(self._keys.session(identity), "session_id")
            current = await self._link.attempt(pipeline.execute())
            missing += [
                believed[who] for who, holder in zip(some, current, strict=True) if holder != believed[who]
            ]
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
    """News without a sender: this process receives it too, in the order in which Redis decided."""
    return news_text("", [[kind, identity]])


def _connection(flat: list[str]) -> Connection | None:
    """None also for a hash that no process or gateway of this server wrote: any client of Redis can write
    one.
    """
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
