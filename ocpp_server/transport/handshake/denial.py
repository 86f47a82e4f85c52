"""The response to a refused handshake. The station gets only a status; the reason is stored for the
operator.
"""

from __future__ import annotations

from typing import Any

import structlog

from ocpp_server.addresses import address_key
from ocpp_server.observability import measures
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.per_minute import PerMinute

log = structlog.get_logger(__name__)

# At most this many refusals with one status are logged and stored for one address in a minute; the metrics
# count all of them.
MAX_RECORDED = 120

_recorded = PerMinute()

_BODIES = {
    400: b"Bad request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not found",
    429: b"Too many attempts",
    503: b"Try again later",
}


async def refuse(
    scope: dict[str, Any], send: Any, handshake: admission.Handshake, refusal: admission.Refusal
) -> None:
    """Record a refusal and respond to the station."""
    await record(handshake, refusal)
    if refusal.status == admission.NO_SUBPROTOCOL:
        measures.handshakes.add("no-subprotocol")
        code, reason = admission.CLOSE_NO_SUBPROTOCOL, refusal.reason[:120]
        await send({"type": "websocket.accept"})
        log.info("station.closing", code=code, reason=reason)
        await send({"type": "websocket.close", "code": code, "reason": reason})
    else:
        await deny(scope, send, refusal.status)


async def record(handshake: admission.Handshake, refusal: admission.Refusal) -> None:
    """Log and store a refusal, up to MAX_RECORDED and if the database is available."""
    if refusal.security:
        measures.authentication_failures.add(refusal.security)
    if refusal.is_repeated:
        return
    times = _recorded.count(f"{refusal.code} {address_key(handshake.address)}")
    if times > MAX_RECORDED:
        if times == MAX_RECORDED + 1:
            log.warning("station.refusals_unrecorded", address=handshake.address, status=refusal.status)
        return
    log.warning(
        "station.refused",
        identity=handshake.identity[:100],
        address=handshake.address,
        status=refusal.status,
        reason=refusal.reason,
    )
    try:
        await admission.record(handshake, refusal)
    except StorageUnavailable:
        log.warning("station.refusal_unrecorded", identity=handshake.identity[:100])


async def deny(scope: dict[str, Any], send: Any, status: int) -> None:
    """Refuse the handshake with this status. ASGI servers without the extension answer 403 to every
    refusal.
    """
    measures.handshakes.add(str(status))
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    body = _BODIES[status]
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="OCPP"'))
    if status in (429, 503):
        headers.append((b"retry-after", b"60" if status == 429 else b"10"))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
