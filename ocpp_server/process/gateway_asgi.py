"""The gateway's ASGI application: station WebSockets, probes and metrics; no REST API, no admin."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import Any

import django
import orjson

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpp_server.settings")
django.setup()

from django.conf import settings  # noqa: E402

from ocpp_server import credentials  # noqa: E402
from ocpp_server.bounds.bodies import bounded  # noqa: E402 - models need the apps to be loaded
from ocpp_server.observability import metrics  # noqa: E402
from ocpp_server.observability.event_loop_lag import lag_meter  # noqa: E402
from ocpp_server.observability.exporter import exporter  # noqa: E402
from ocpp_server.process import embedded_signer  # noqa: E402
from ocpp_server.process.garbage_collection import tune_garbage_collector  # noqa: E402
from ocpp_server.process.health_file import health_writer  # noqa: E402
from ocpp_server.protocol.dispatch import StorageUnavailable  # noqa: E402
from ocpp_server.storage.journal import journal  # noqa: E402
from ocpp_server.transport.gateway.front import gateway, station  # noqa: E402
from ocpp_server.transport.gateway.metrics import GatewayCollector  # noqa: E402
from ocpp_server.transport.handshake.explanation import (  # noqa: E402
    STATUS,
    explanation,
    is_station_path,
)

Scope = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
# The most seconds for checking an API key: a probe needs its answer even while the database is away.
KEY_TIMEOUT_S = 1.5


embedded_signer.take_passphrase()
metrics.register(GatewayCollector)


async def http(scope: Scope, receive: Any, send: Any) -> None:
    """Serve `/health`, `/health/ready` and `/metrics` as the REST API does; the gateway has no other URLs."""
    if scope["method"] not in ("GET", "HEAD"):
        await _answer(send, 405, "Only GET is served here.", [(b"allow", b"GET")])
    elif scope["path"] == "/health":
        await _answer(send, 200, "The gateway is running.")
    elif scope["path"] == "/health/ready":
        await _ready(scope, send)
    elif scope["path"] == "/metrics":
        await _metrics(scope, send)
    elif is_station_path(scope["path"]):
        await _explain(scope, send)
    else:
        await _answer(send, 404, "This is the gateway for stations; the REST API is served elsewhere.")


async def _explain(scope: Scope, send: Any) -> None:
    """Answer a plain GET at a station's address, as the other processes do."""
    given = dict(scope["headers"])
    found = explanation(
        accept=given.get(b"accept", b"").decode("latin-1"),
        host=given.get(b"host", b"").decode("latin-1"),
        is_tls=scope["scheme"] == "https",
    )
    headers = [(name.lower().encode(), value.encode()) for name, value in found.headers.items()]
    await _send_with(send, STATUS, found.body, headers)


async def _ready(scope: Scope, send: Any) -> None:
    """Answer whether the gateway is ready; with an API key, also which parts are down.

    A load balancer has no API key. Without one the parts are left out, because this port is reachable from
    the internet.
    """
    parts = await gateway.status()
    down = sorted(name for name, part in parts.items() if not part["ok"])
    status = 503 if down else 200
    try:
        async with asyncio.timeout(KEY_TIMEOUT_S):
            is_known = await _has_key(scope)
    except (StorageUnavailable, TimeoutError):
        is_known = False
    if is_known:
        sentence = f"Not ready: {', '.join(down)}." if down else "The gateway is ready."
        await _answer(send, status, sentence, parts=parts)
    else:
        await _answer(send, status, f"The gateway is {'not ' if down else ''}ready.")


async def _has_key(scope: Scope) -> bool:
    """Whether the caller holds an API key. Raises StorageUnavailable."""
    given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    scheme, _, plain = given.partition(" ")
    if scheme.lower() != "api-key":
        return False
    return await journal.run(credentials.port.app.find, plain.strip()) is not None


async def _metrics(scope: Scope, send: Any) -> None:
    """Answer with the metrics. An API key is required, as for the REST API."""
    try:
        is_known = await _has_key(scope)
    except StorageUnavailable:
        await _answer(send, 503, "The database that knows the API keys is away.", [(b"retry-after", b"10")])
        return
    if not is_known:
        await _answer(send, 401, "An API key is needed.", [(b"www-authenticate", b"Api-Key")])
        return
    # In a thread, because a collector queries Redis for the length of the queues, which may block.
    text, kind = await asyncio.to_thread(metrics.exposition)
    await _send(send, 200, text, kind)


async def _answer(send: Any, status: int, message: str, headers: Headers | None = None, **data: Any) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"success": status < 400, "message": message, "data": {"timestamp": now, **data}}
    await _send(send, status, orjson.dumps(body), "application/json", headers)


async def _send(send: Any, status: int, body: bytes, kind: str, headers: Headers | None = None) -> None:
    described = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
    await _send_with(send, status, body, [*described, *(headers or [])])


async def _send_with(send: Any, status: int, body: bytes, headers: Headers) -> None:
    sent = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})


async def lifespan(scope: Scope, receive: Any, send: Any) -> None:
    """Start and stop the gateway with the ASGI server."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await gateway.start()
                health_writer.start(gateway.status, path=settings.HEALTH_FILE, port=settings.HTTP_PORT)
                exporter.start(settings.METRICS_PORT, gateway.status, addresses=settings.LISTEN_ADDRESS)
                lag_meter.start()
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
            tune_garbage_collector()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await gateway.stop()
            await health_writer.stop()
            await exporter.stop()
            lag_meter.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


_bounded_http = bounded(http)


async def application(scope: Scope, receive: Any, send: Any) -> None:
    served = {"websocket": station, "http": _bounded_http, "lifespan": lifespan}[scope["type"]]
    await served(scope, receive, send)
