"""The ASGI application of the gateway: a station's handshake, then frame after frame into the queue."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import structlog
from django.conf import settings

from ocpp_server.live.redis.link import AWAY
from ocpp_server.observability import measures
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport import shutdown
from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.gateway.socket import GatewaySocket
from ocpp_server.transport.handshake import admission, denial, duplicates, first_boot
from ocpp_server.transport.handshake.first_boot import UnknownSocket
from ocpp_server.transport.presence import silence_allowed
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.gateway_side import QueueTooLong
from ocpp_server.transport.token_bucket import TokenBucket

log = structlog.get_logger(__name__)

# At most this many handshakes wait for an unavailable database. One of them detects that it is back.
WAITING_HANDSHAKES = 16

gateway = Gateway()


class _Waiting:
    """The number of handshakes in progress."""

    count = 0


async def station(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """One station's WebSocket, as an ASGI application."""
    if (await receive())["type"] != "websocket.connect":
        return
    handshake = admission.Handshake.from_scope(scope)
    entered = await _enter(scope, receive, send, handshake)
    if entered is None:
        return
    subprotocol, unknown, connected = entered
    code = 1006
    measures.handshakes.add("accepted")
    try:
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        frame = None
        if unknown is not None:
            connected, frame = await _first_boot(unknown, scope, send, handshake)
        assert connected is not None
        connected.opened()
        log.info("station.connected", station=connected.identity, version=connected.protocol)
        if frame is not None:
            connected.received(frame)
        code = await _converse(connected, receive)
    except first_boot.Ended as ended:
        code = ended.code
    except OSError:
        log.info("station.lost", station=handshake.identity)
    finally:
        measures.closed(code)
        if connected is not None:
            log.info("station.disconnected", station=connected.identity, code=code)
            gateway.leave(connected, f"The socket was closed with {code}.")


async def _enter(
    scope: dict[str, Any], receive: Any, send: Any, handshake: admission.Handshake
) -> tuple[str | None, UnknownSocket | None, GatewaySocket | None] | None:
    """The subprotocol of a handshake, and its socket: that of an unknown station, or a registered one.

    None when the station was refused or has left.
    """
    try:
        if not gateway.is_open:
            is_stopping = shutdown.is_under_way()
            raise StorageUnavailable("The gateway stops." if is_stopping else "Redis can't be written.")
        admitted = await _admit(handshake)
        if isinstance(admitted, admission.Unknown):
            return admitted.subprotocol, UnknownSocket(handshake, admitted, receive, send), None
        if await duplicates.may_enter(admitted, handshake, scope=scope, receive=receive, send=send):
            return admitted.subprotocol, None, await _arrive(scope, send, admitted, handshake)
    except admission.Refusal as refusal:
        await denial.refuse(scope, send, handshake, refusal)
    except (*AWAY, StorageUnavailable, QueueTooLong) as error:
        log.warning("station.deferred", identity=handshake.identity[:100], error=repr(error)[:200])
        await denial.deny(scope, send, 503)
    return None


async def _arrive(
    scope: dict[str, Any], send: Any, admitted: admission.Admitted, handshake: admission.Handshake
) -> GatewaySocket:
    """Register the connection of an admitted station. Raises QueueTooLong and redis' errors."""
    connected = _socket(scope, send, admitted, handshake)
    await gateway.arrive(connected)
    return connected


async def _first_boot(
    unknown: UnknownSocket, scope: dict[str, Any], send: Any, handshake: admission.Handshake
) -> tuple[GatewaySocket, str]:
    """Wait for the boot that adds the station, and register its connection. Returns it with the frame of the
    boot, which a processor handles. Raises Ended.
    """
    admitted, frame = await unknown.until_boot()
    try:
        return await _arrive(scope, send, admitted, handshake), frame
    except (*AWAY, StorageUnavailable, QueueTooLong) as error:
        log.warning("station.deferred", identity=handshake.identity[:100], error=repr(error)[:200])
        raise await unknown.end(1013, "Try again later.") from error


async def _admit(handshake: admission.Handshake) -> admission.Admitted | admission.Unknown:
    """Admit a station. While the database is unavailable, only a few handshakes wait; for the others this
    raises StorageUnavailable.
    """
    if journal.down_since is not None and _Waiting.count >= WAITING_HANDSHAKES:
        raise StorageUnavailable("The database is away.")
    _Waiting.count += 1
    try:
        return await admission.admit(handshake)
    finally:
        _Waiting.count -= 1


def _socket(
    scope: dict[str, Any], send: Any, admitted: admission.Admitted, handshake: admission.Handshake
) -> GatewaySocket:
    return GatewaySocket(
        admitted.charge_point.identity,
        str(uuid.uuid4()),
        admitted.version,
        gateway.server_id,
        fields={
            "remote_addr": handshake.address,
            "protocol": admitted.version,
            "connected_at": datetime.now(UTC).isoformat(),
            **_certificate(admitted),
        },
        silence_allowed=silence_allowed(admitted.charge_point.heartbeat_interval).total_seconds(),
        uplink=gateway.uplink,
        scope=scope,
        send=send,
    )


def _certificate(admitted: admission.Admitted) -> dict[str, str]:
    return {envelope.CERTIFICATE_NAME: admitted.certificate_name} if admitted.certificate_name else {}


async def _converse(connected: GatewaySocket, receive: Any) -> int:
    """Queue frame after frame until the socket is closed. Returns the close code."""
    bucket = TokenBucket(settings.OCPP_STATION_RATE)
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return first_boot.close_code(message)
        text = message.get("text")
        if text is None:
            connected.close_soon(1003, "OCPP-J is text.")
        elif not connected.is_leaving:
            delay = bucket.delay(time.monotonic())
            if delay:
                # The socket is not read meanwhile, so TCP slows down only this station.
                await asyncio.sleep(delay)
            connected.received(text)
            if connected.is_stopped and not await connected.flowing():
                return 1006
