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
from ocpp_server.transport.handshake import admission, denial, duplicates, first_boot
from ocpp_server.transport.handshake.first_boot import UnknownSocket
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
        unknown = connection = None
        try:
            admitted = await admission.admit(handshake)
            if isinstance(admitted, admission.Unknown):
                unknown = UnknownSocket(handshake, admitted, receive, send)
            elif await duplicates.may_enter(admitted, handshake, scope=scope, receive=receive, send=send):
                connection = await self._arrive(admitted, handshake)
            else:
                return
        except admission.Refusal as refusal:
            await denial.refuse(scope, send, handshake, refusal)
            return
        except StorageUnavailable:
            await denial.deny(scope, send, 503)
            return
        code = 1006
        measures.handshakes.add("accepted")
        try:
            await send({"type": "websocket.accept", "subprotocol": admitted.subprotocol})
            if unknown is not None:
                connection, frame = await self._first_boot(unknown, handshake)
                await connection.received(frame)
            assert connection is not None
            code = await self._converse(connection)
        except first_boot.Ended as ended:
            code = ended.code
        except OSError:
            log.info("station.lost", station=handshake.identity)
        finally:
            measures.closed(code)
            if connection is not None:
                # Shielded: pending commands must end even if the server cancels this task when it stops.
                await asyncio.shield(presence.leave(connection, code=code))

    async def _first_boot(
        self, unknown: UnknownSocket, handshake: admission.Handshake
    ) -> tuple[StationConnection, str]:
        """Wait for the boot that adds the station, and load it. Returns it with the frame of the boot, which
        is not handled yet. Raises Ended.
        """
        admitted, frame = await unknown.until_boot()
        try:
            return await self._arrive(admitted, handshake), frame
        except (admission.Refusal, StorageUnavailable) as error:
            raise await unknown.end(1013, str(error)) from error

    async def _arrive(
        self, admitted: admission.Admitted, handshake: admission.Handshake
    ) -> StationConnection:
        """Register and load an admitted station. Raises Refusal, StorageUnavailable."""
        connection_id = str(uuid.uuid4())
        station = await presence.arrive(admitted, handshake, connection_id)
        connection = StationConnection(
            station,
            send=self._send_text,
            close=self._close,
            finished=switchboard.finished,
            silence=self.scope.get("extensions", {}).get("ocpp.silence"),
            ping=self.scope.get("extensions", {}).get("ocpp.ping"),
        )
        switchboard.connections[connection_id] = connection
        return connection

    async def _converse(self, connection: StationConnection) -> int:
        """Handle frame after frame until the socket is closed. Returns the close code."""
        receive = self._receive
        bucket = TokenBucket(settings.OCPP_STATION_RATE)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return first_boot.close_code(message)
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
