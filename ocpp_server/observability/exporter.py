"""`/metrics`, `/health` and `/health/ready` on a port of their own (METRICS_PORT): for processes without
another port (processor, housekeeping), and for scrapers without an API key.

The port must be reachable only from the inner network, because it needs no credentials. It is served in a
thread, so it can report a blocked event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from threading import BoundedSemaphore, Thread, Timer
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler
from wsgiref.types import StartResponse, WSGIEnvironment

import orjson
import structlog
from prometheus_client.exposition import ThreadingWSGIServer

from ocpp_server import listening
from ocpp_server.observability import metrics

log = structlog.get_logger(__name__)

# Processes on one machine may share one environment: each uses the first free port of this many.
PORTS = 32
TIMEOUT_S = 4.0
CONNECTIONS = 32
# The time limit of a connection, from its first byte to the end of its answer, which itself may take five
# seconds.
CONNECTION_S = 15.0
_JSON = "application/json"

Status = Callable[[], Awaitable[dict[str, Any]]]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        log.debug("http.request", line=format % arguments)


class _Bounded(ThreadingWSGIServer):
    """A server with a limit of connections, each in a thread, and of their time: a client that sends its
    request byte by byte would occupy its thread without end.
    """

    def __init__(self, listener: socket.socket, application: Any, places: BoundedSemaphore) -> None:
        address = listener.getsockname()
        super().__init__(address, _Quiet, bind_and_activate=False)
        self.socket.close()
        self.socket, self.server_address = listener, address
        # Set here, because `server_bind` asks the DNS for the name, in the event loop.
        self.server_name, self.server_port = address[0], address[1]
        self.setup_environ()
        self.set_app(application)
        self._places = places

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        timer = Timer(CONNECTION_S, _cut, [request])
        timer.daemon = True
        timer.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            timer.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("http.failed", address=client_address[0], exc_info=True)


def _cut(request: socket.socket) -> None:
    with contextlib.suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class Exporter:
    """The HTTP server of METRICS_PORT. `port` is the port on which it listens; 0 while it does not listen."""

    def __init__(self) -> None:
        self.port = 0
        self._servers: list[_Bounded] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._status: Status | None = None

    def start(self, first_port: int, status: Status, *, addresses: Sequence[str]) -> None:
        """Listen on the first port from this one that is free on all addresses; 0 is none. Call it in the
        event loop.

        `status` returns the parts of the process: {name: {"ok", "detail"}}. Without a free port an error is
        logged and the process continues.
        """
        if not first_port or self._servers:
            return
        self._loop, self._status = asyncio.get_running_loop(), status
        places = BoundedSemaphore(CONNECTIONS)
        for port in range(first_port, min(first_port + PORTS, 65536)):
            try:
                listeners = listening.listen(addresses, port)
            except listening.ListenError as error:
                reason = str(error)
                continue
            self.port = port
            self._servers = [_Bounded(listener, self._answer, places) for listener in listeners]
            for server in self._servers:
                Thread(target=server.serve_forever, name="metrics-port", daemon=True).start()
            log.info("metrics.listening", port=port)
            return
        log.error("metrics.no_port", first=first_port, reason=reason)

    async def stop(self) -> None:
        servers, self._servers, self.port = self._servers, [], 0
        for server in servers:
            await asyncio.to_thread(server.shutdown)
            server.server_close()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            body, kind, status = *metrics.exposition(), "200 OK"
        elif path == "/health":
            body, kind, status = orjson.dumps({"ok": True}), _JSON, "200 OK"
        elif path == "/health/ready":
            parts = self._parts()
            is_ready = all(part["ok"] for part in parts.values())
            body, kind = orjson.dumps({"ok": is_ready, "parts": parts}), _JSON
            status = "200 OK" if is_ready else "503 Service Unavailable"
        else:
            body, kind, status = (
                b"There are /metrics, /health and /health/ready.\n",
                "text/plain",
                "404 Not Found",
            )
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _parts(self) -> dict[str, Any]:
        assert self._loop is not None and self._status is not None
        asked = asyncio.run_coroutine_threadsafe(_awaited(self._status), self._loop)
        try:
            return asked.result(TIMEOUT_S)
        except TimeoutError:
            asked.cancel()
            return {
                "process": {"ok": False, "detail": f"The process does not answer within {TIMEOUT_S:g} s."}
            }


async def _awaited(status: Status) -> dict[str, Any]:
    return await status()


exporter = Exporter()
