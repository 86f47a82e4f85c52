"""A client of a gateway: the HTTP server drives the gateway with its ASGI messages."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_server.observability import measures
from ocpp_server.transport.gateway import front
from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.queue import envelope
from tests.unit.transport.gateway.world import settle


class Visitor:
    """A client of the gateway. `sent` has the ASGI messages that it gets."""

    def __init__(self, identity: str = "CP-1", **extensions: Any) -> None:
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "path": f"/ocpp/{identity}",
            "headers": [(b"sec-websocket-protocol", b"ocpp1.6")],
            "subprotocols": ["ocpp1.6"],
            "client": ("192.0.2.1", 4711),
            "extensions": {"websocket.http.response": {}}
            | {f"ocpp.{name}": value for name, value in extensions.items()},
        }
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.task: asyncio.Task[None] | None = None
        self._sent = asyncio.Event()

    def connects(self) -> Visitor:
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(front.station(self.scope, self.incoming.get, self._send))
        return self

    async def enters(self) -> Visitor:
        """Connect, and wait for the answer to the handshake."""
        self.connects()
        return await self.gets(1)

    async def gets(self, messages: int) -> Visitor:
        async with asyncio.timeout(10):
            while len(self.sent) < messages:
                self._sent.clear()
                await self._sent.wait()
        await settle()
        return self

    async def says(self, *texts: str) -> None:
        for text in texts:
            self.incoming.put_nowait({"type": "websocket.receive", "text": text})
        await settle()

    async def ends(self, code: int | None = 1000) -> None:
        if code is not None:
            self.incoming.put_nowait({"type": "websocket.disconnect", "code": code})
        assert self.task is not None
        async with asyncio.timeout(10):
            await self.task

    async def _send(self, message: dict[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(message)
        self._sent.set()

    @property
    def status(self) -> int:
        """The HTTP status; 101 for an opened socket."""
        first = self.sent[0]
        return 101 if first["type"] == "websocket.accept" else int(first["status"])


def frames(gateway: Gateway) -> list[str]:
    """The frames of the only socket that are not pushed yet."""
    (socket,) = gateway.sockets.values()
    return [envelope.parse(packed).frame for packed in socket.outbox]


def counted(tally: measures.Tally, *names: str) -> int:
    return tally.counts().get(names, 0)
