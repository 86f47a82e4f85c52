"""A station's socket at a gateway without a server: its ASGI messages and its envelopes are only noted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.gateway.socket import GatewaySocket
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.gateway_side import GatewayQueue
from tests.redis_scripts import QueueBench

REPLACED = (1001, "Replaced by a newer connection.")


class Clock:
    """Takes the place of the module `time`. The time stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Pushed:
    """An uplink that keeps the envelopes."""

    def __init__(self) -> None:
        self.envelopes: list[envelope.Envelope] = []

    def push(self, source: GatewaySocket, packed: bytes) -> None:
        self.envelopes.append(envelope.parse(packed))


class Line:
    """The HTTP server's side of a socket. `sent` has the texts to the station, and its close."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.error: Exception | None = None
        # A cleared gate blocks the HTTP server, as a station that does not read does.
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        kind = message["type"]
        assert kind in ("websocket.send", "websocket.close")
        self.sent.append(message["text"] if kind.endswith("send") else (message["code"], message["reason"]))


class Station:
    """A socket and both of its sides. `extensions` are those of the scope, without `ocpp.`."""

    def __init__(
        self,
        identity: str = "A",
        session: str = "s1",
        *,
        uplink: Any = None,
        is_open: bool = True,
        **extensions: Any,
    ) -> None:
        self.line = Line()
        self.pushed = Pushed()
        self.socket = GatewaySocket(
            identity,
            session,
            "ocpp1.6",
            "gw",
            fields={"protocol": "ocpp1.6", "remote_addr": "192.0.2.1"},
            silence_allowed=60.0,
            uplink=uplink or self.pushed,
            scope={"extensions": {f"ocpp.{name}": value for name, value in extensions.items()}},
            send=self.line.send,
        )
        if is_open:
            self.socket.opened()

    @property
    def sent(self) -> list[Any]:
        return self.line.sent

    def says(self, *texts: str) -> None:
        for text in texts:
            self.socket.received(text)

    async def deliver(self, *texts: str, **fields: Any) -> None:
        for text in texts:
            await self.socket.deliver(envelope.pack_frame(text, self.socket.identity, **fields))

    async def control(self, event: str, **fields: Any) -> None:
        await self.socket.deliver(envelope.pack_control(event, self.socket.identity, **fields))


def at(gateway: Gateway, identity: str = "A", session: str = "s1") -> Station:
    return Station(identity, session, uplink=gateway.uplink)


def session_of(bench: QueueBench, identity: str = "A") -> dict[str, str]:
    return dict(bench.client.hgetall(bench.keys.session(identity)))


async def arrive_elsewhere(bench: QueueBench, session: str, identity: str = "A") -> None:
    """Register a newer connection of the station at another gateway."""
    await GatewayQueue("other").connect(bench.wire, identity, session, {"protocol": "ocpp1.6"})


class Refreshes:
    """The renewals of a gateway. `states` are the letters that Redis returns; by default all are kept."""

    def __init__(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pairs: list[list[tuple[str, str]]] = []
        self.states = ""
        self.errors: list[BaseException] = []
        monkeypatch.setattr(gateway.queue, "refresh", self._refresh)

    async def _refresh(self, _wire: Any, pairs: Any) -> str:
        self.pairs.append(list(pairs))
        if self.errors:
            raise self.errors.pop(0)
        return self.states or "k" * len(pairs)


class Sweeps:
    """The sweeps of a gateway by the clock of the test."""

    def __init__(self, gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times: list[float] = []
        self._clock = clock
        monkeypatch.setattr(gateway, "_sweeper", self)

    async def sweep(self) -> list[str]:
        self.times.append(self._clock.now)
        return []


def call(message_id: str) -> str:
    return f'[2,"{message_id}","Heartbeat",{{}}]'


def result(message_id: str) -> str:
    return f'[3,"{message_id}",{{}}]'


async def settle() -> None:
    """Let every task run until it waits for something."""
    for _ in range(10):
        await asyncio.sleep(0)
