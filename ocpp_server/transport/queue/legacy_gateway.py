"""The protocol of legacy gateways (TRANSPORT_COMPAT): one list for all stations, announcements, no sessions.

Every processor subscribes to the announcements; a Redis script decides which one acts. That processor creates
the session when the gateway announces a connection, or at the first frame of an unannounced one.
Announcements and frames use different connections to Redis, so they may arrive in either order.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

import msgspec
import structlog
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from ocpp_server.live import LiveStateUnavailable
from ocpp_server.live.redis.link import AWAY
from ocpp_server.live.redis.wire import Wire
from ocpp_server.protocol.versions import V16, VERSIONS, of_boot
from ocpp_server.transport.presence import silence_allowed
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.claims import Claim
from ocpp_server.transport.queue.envelope import Envelope
from ocpp_server.transport.queue.keys import script
from ocpp_server.transport.queue.redis import QueueRedis

log = structlog.get_logger(__name__)

MOVED_AT_ONCE = 500
RETRY_S = 0.5
TIDY_S = 60.0

_DRAIN, _ANNOUNCED, _IMPLIED, _VERSION, _TIDY = (
    script("queued_commands", "legacy", f"legacy_{name}")
    for name in ("drain", "announced", "implied", "version", "tidy")
)


class Announcement(msgspec.Struct):
    """A message of a legacy gateway on `P:control:connect` or `P:control:disconnect`."""

    charge_point_id: str
    ws_server_id: str = ""
    timestamp: str = ""
    remote_addr: str = ""


_decode = msgspec.json.Decoder(Announcement).decode


class LegacyGateways:
    """Serves legacy gateways in a processor. Belongs to one event loop."""

    def __init__(self, redis: QueueRedis) -> None:
        self._redis = redis
        self._wire = Wire()
        # The gateway renews no lease: each frame of a station renews it.
        self._lease_ms = int(silence_allowed(0).total_seconds() * 1000)

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._drain())
            group.create_task(self._listen())
            group.create_task(self._tidy())

    async def session(self, claim: Claim, message: Envelope) -> tuple[str, bool, str]:
        """The session id of a frame, whether the session began with it, and the station's address.

        Raises LiveStateUnavailable.
        """
        session_id, is_new, address = await self._redis.run(
            _IMPLIED,
            claim.key,
            message.ws_server_id,
            message.timestamp,
            str(uuid.uuid4()),
            self._lease_ms,
            datetime.now(UTC).isoformat(),
        )
        return session_id.decode(), bool(is_new), address.decode("utf-8", "replace")

    async def store_version(self, claim: Claim, session_id: str, version: str) -> None:
        """Store the version of the session, for the processes that send commands. Raises
        LiveStateUnavailable.
        """
        await self._redis.run(_VERSION, claim.key, session_id, version)

    # -- the one list -------------------------------------------------------------------------------

    async def _drain(self) -> None:
        shared = self._redis.keys.shared_requests
        while True:
            try:
                # BLMOVE from the right end to the right end: it waits for an element and removes none.
                waiting = await self._wire.call("BLMOVE", shared, shared, "RIGHT", "RIGHT", "1", block_s=1.0)
                while waiting is not None and await self._redis.run(_DRAIN, MOVED_AT_ONCE) == MOVED_AT_ONCE:
                    pass
            except (*AWAY, LiveStateUnavailable) as error:
                log.warning("older_gateway.drain_waits", error=str(error))
                await asyncio.sleep(RETRY_S)

    # -- announcements ------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            client = Redis.from_url(settings.REDIS_URL, protocol=2, socket_connect_timeout=2)
            pubsub = client.pubsub()
            try:
                await self._receive(pubsub)
            except (*AWAY, LiveStateUnavailable) as error:
                # The first frame of a station that connects meanwhile creates its session.
                log.warning("older_gateway.deaf", error=str(error))
                await asyncio.sleep(RETRY_S)
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]
                await client.aclose()

    async def _receive(self, pubsub: PubSub) -> None:
        keys = self._redis.keys
        await pubsub.subscribe(keys.announced_connect, keys.announced_disconnect)
        async for message in pubsub.listen():
            if message["type"] != "message":
                continue
            is_connect = message["channel"].decode() == keys.announced_connect
            try:
                announcement = _decode(message["data"])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                log.warning("older_gateway.unreadable", error=str(error))
                continue
            await self._announced(announcement, envelope.CONNECT if is_connect else envelope.DISCONNECT)

    async def _announced(self, announcement: Announcement, event: str) -> None:
        identity, session_id = announcement.charge_point_id, str(uuid.uuid4())
        control = envelope.pack_control(
            envelope.CONNECT, identity, session_id=session_id, ws_server_id=announcement.ws_server_id
        )
        await self._redis.run(
            _ANNOUNCED,
            identity,
            event,
            announcement.ws_server_id,
            announcement.timestamp,
            announcement.remote_addr,
            session_id,
            self._lease_ms,
            control,
            datetime.now(UTC).isoformat(),
        )

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            try:
                await self._redis.run(_TIDY)
            except LiveStateUnavailable as error:
                log.warning("older_gateway.tidy_waits", error=str(error))


def version_of(message: Envelope, known: str) -> str:
    """The OCPP version of a frame whose gateway does not send it: by the shape of a BootNotification,
    otherwise the known one.
    """
    if message.protocol in VERSIONS:
        return message.protocol
    known = known if known in VERSIONS else V16
    frame = message.frame
    if '"BootNotification"' not in frame[:100]:
        return known
    return of_boot(frame, known)
