"""The WebSocket of a station: the handshake, then text frames in both directions. It does not parse OCPP.

Channels routes sockets to this consumer, which does not use Channels' dispatch of messages: that would take
three quarters of the time of a message, because every message of every socket passes through one
thread-sensitive thread. Messages of other processes arrive over one channel per process
(`transport.switchboard`), so a connection needs no task of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import Any

import structlog
from channels.consumer import AsyncConsumer
from django.conf import settings

from ocpp_server.observability import measures
from ocpp_server.process import engine
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.transport import presence, shutdown
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.handshake import admission, denial
from ocpp_server.transport.switchboard import switchboard
from ocpp_server.transport.token_bucket import TokenBucket

log = structlog.get_logger(__name__)


class StationConsumer(AsyncConsumer):
    """One station's WebSocket."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self._is_closed = False
        await engine.ensure_started()
        if (await receive())["type"] != "websocket.connect":
            return
        if shutdown.is_under_way():
            await denial.deny(scope, send, 503)
            return
        handshake = admission.Handshake.from_scope(scope)
        try:
            admitted = await admission.admit(handshake)
            connection_id = str(uuid.uuid4())
            station = await presence.arrive(admitted, handshake, connection_id)
        except admission.Refusal as refusal:
            await denial.refuse(scope, send, handshake, refusal)
            return
        except StorageUnavailable:
            await denial.deny(scope, send, 503)
            return
        connection = StationConnection(
            station,
            send=self._send_text,
            close=self._close,
            finished=switchboard.finished,
            silence=scope.get("extensions", {}).get("ocpp.silence"),
        )
        switchboard.connections[connection_id] = connection
        code = 1006
        measures.handshakes.add("accepted")
        try:
            await send({"type": "websocket.accept", "subprotocol": admitted.subprotocol})
            code = await self._converse(connection)
        except OSError:
            log.info("station.lost", station=station.identity)
        finally:
            measures.closed(code)
            # Shielded: pending commands must end even if the server cancels this task when it stops.
            await asyncio.shield(presence.leave(connection, code=code))

    async def _converse(self, connection: StationConnection) -> int:
        """Handle frame after frame until the socket is closed. Returns the close code."""
        receive = self._receive
        bucket = TokenBucket(settings.OCPP_STATION_RATE)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                # uvicorn reports a connection that ended without a close frame as 1005 without a reason, and
                # a close frame without a code as 1005 with a reason.
                code = int(message.get("code") or 1006)
                return 1006 if code == 1005 and "reason" not in message else code
            text = message.get("text")
            if text is None:
                await self._close(1003, "OCPP-J is text.")
            elif not self._is_closed:
                delay = bucket.delay(time.monotonic())
                if delay:
                    # The socket is not read meanwhile, so TCP slows down only this station.
                    await asyncio.sleep(delay)
                await connection.received(text)

    async def _send_text(self, text: str) -> None:
        if not self._is_closed:
            try:
                await self._send({"type": "websocket.send", "text": text})
            except OSError:
                # The socket was closed during the write; the disconnect that follows cleans up.
                self._is_closed = True

    async def _close(self, code: int, reason: str) -> None:
        if not self._is_closed:
            self._is_closed = True
            log.info("station.closing", code=code, reason=reason)
            # The station may close at the same time, as stations do when the server shuts down.
            with contextlib.suppress(OSError):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
