"""An HTTP connection of the server without a socket: the bytes of both sides are only noted."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from ocpp_server.bounds.connections import BoundedConnection


class Transport(asyncio.Transport):
    def __init__(self, client: Any) -> None:
        super().__init__({"peername": client, "sockname": ("127.0.0.1", 80)})
        self.written = b""
        self.closed_at: float | None = None
        self.protocol: Any = None

    def write(self, data: Any) -> None:
        assert self.closed_at is None
        self.written += bytes(data)

    def close(self) -> None:
        if self.closed_at is None:
            self.closed_at = asyncio.get_running_loop().time()

    def is_closing(self) -> bool:
        return self.closed_at is not None

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol


class Stations:
    """Takes over the connection of a station, as the WebSocket protocol of the server does."""

    def __init__(self, **_: Any) -> None:
        self.received = b""

    def connection_made(self, transport: Any) -> None: ...

    def data_received(self, data: bytes) -> None:
        self.received += data


class Client:
    """One connection. Requests are answered when the gate is open; `scopes` has those of the requests."""

    def __init__(self, address: str | None = "192.0.2.1") -> None:
        self.scopes: list[Any] = []
        self.messages: list[str] = []
        self.body = b""
        self.gate = asyncio.Event()
        self.gate.set()
        self.reads_body = False
        config = Config(
            self._application,
            interface="asgi3",
            proxy_headers=False,
            log_config=None,
            timeout_keep_alive=3600,
        )
        config.load()
        config.ws_protocol_class = Stations  # type: ignore[assignment]
        self.began = asyncio.get_running_loop().time()
        self.transport = Transport((address, 4711) if address else None)
        self.connection = BoundedConnection(config, ServerState(), {})
        self.connection.connection_made(self.transport)

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if self.reads_body:
            while True:
                message = await receive()
                self.messages.append(message["type"])
                self.body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            if message["type"] == "http.disconnect":
                return
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def sends(self, *parts: bytes) -> None:
        """Each part is what the server reads at once."""
        for part in parts:
            self.connection.data_received(part)
        for _ in range(20):
            await asyncio.sleep(0)

    @property
    def answers(self) -> list[int]:
        lines = self.transport.written.split(b"HTTP/1.1 ")[1:]
        return [int(line[:3]) for line in lines]

    @property
    def is_closed(self) -> bool:
        return self.transport.closed_at is not None

    async def closed_after(self) -> float | None:
        """The seconds after which the server closes an idle connection; None for one that it keeps."""
        if not self.is_closed:
            await asyncio.sleep(1000)
        at = self.transport.closed_at
        return None if at is None else round(at - self.began, 2)
