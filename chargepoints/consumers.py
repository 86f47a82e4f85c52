"""WebSocket in: authenticate, bytes in, bytes out. Knows no OCPP message.

Channels routes here, but its per-message dispatch is left out: it costs three quarters of a message, a hop
through the one thread-sensitive thread for every message of every socket. What other processes have to say
to a
station comes over one channel per process (`chargepoints.calls`), so a connection needs no task of its own
for it.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import structlog
from channels.consumer import AsyncConsumer
from django.conf import settings

from chargepoints import admission, presence
from chargepoints.calls import switchboard
from chargepoints.connection import StationConnection
from chargepoints.pace import Pace
from ocpp_server import engine
from ocpp_server.protocol.dispatch import StorageUnavailable

log = structlog.get_logger(__name__)

# What a refused station hears in words, by HTTP status; the reason itself is for the operator.
_BODIES = {
    400: b"Bad request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not found",
    429: b"Too many attempts",
    503: b"Try again later",
}


class StationConsumer(AsyncConsumer):
    """One station's WebSocket."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self._is_closed = False
        await engine.ensure_started()
        if (await receive())["type"] != "websocket.connect":
            return
        handshake = admission.Handshake.from_scope(scope)
        try:
            admitted = await admission.admit(handshake)
            connection_id = str(uuid.uuid4())
            station = await presence.arrive(admitted, handshake, connection_id)
        except admission.Refusal as refusal:
            await self._refuse(handshake, refusal)
            return
        except StorageUnavailable:
            await self._deny(503)
            return
        connection = StationConnection(
            station,
            send=self._say,
            close=self._close,
            finished=switchboard.finished,
            silence=scope.get("extensions", {}).get("ocpp.silence"),
        )
        switchboard.connections[connection_id] = connection
        code = 1006
        try:
            await send({"type": "websocket.accept", "subprotocol": admitted.subprotocol})
            code = await self._converse(connection)
        except OSError:
            log.info("station.lost", station=station.identity)
        finally:
            # Also when the server stops and cancels us: pending commands must not stay open.
            await asyncio.shield(presence.leave(connection, code=code))

    async def _converse(self, connection: StationConnection) -> int:
        """Hand over frame after frame until the socket is gone; the close code."""
        receive = self._receive
        pace = Pace(settings.OCPP_STATION_RATE)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                # uvicorn reports a connection that just ended as 1005 without a reason; a close frame without
                # a code comes with one.
                code = int(message.get("code") or 1006)
                return 1006 if code == 1005 and "reason" not in message else code
            text = message.get("text")
            if text is None:
                await self._close(1003, "OCPP-J is text.")
            elif not self._is_closed:
                delay = pace.delay(time.monotonic())
                if delay:
                    # Its socket is not read meanwhile: TCP slows the station down, nobody else.
                    await asyncio.sleep(delay)
                await connection.received(text)

    async def _say(self, text: str) -> None:
        if not self._is_closed:
            try:
                await self._send({"type": "websocket.send", "text": text})
            except OSError:
                # The socket went while we were writing; the disconnect that follows cleans up.
                self._is_closed = True

    async def _close(self, code: int, reason: str) -> None:
        if not self._is_closed:
            self._is_closed = True
            log.info("station.closing", code=code, reason=reason)
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _refuse(self, handshake: admission.Handshake, refusal: admission.Refusal) -> None:
        log.warning(
            "station.refused",
            identity=handshake.identity[:100],
            address=handshake.address,
            status=refusal.status,
            reason=refusal.reason,
        )
        await admission.record(handshake, refusal)
        if refusal.status == admission.NO_SUBPROTOCOL:
            await self._send({"type": "websocket.accept"})
            await self._close(admission.CLOSE_NO_SUBPROTOCOL, refusal.reason[:120])
        else:
            await self._deny(refusal.status)

    async def _deny(self, status: int) -> None:
        """Refuse at the handshake; servers without the extension answer 403 to every refusal."""
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self._send({"type": "websocket.close"})
            return
        body = _BODIES[status]
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        if status == 401:
            headers.append((b"www-authenticate", b'Basic realm="OCPP"'))
        if status in (429, 503):
            headers.append((b"retry-after", b"60" if status == 429 else b"10"))
        await self._send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await self._send({"type": "websocket.http.response.body", "body": body})
