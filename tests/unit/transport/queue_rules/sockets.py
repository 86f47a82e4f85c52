"""Connections to a Redis that the test plays: it reads what was sent, and answers in pieces of its choice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.transport.instant import skip_waits


class Socket:
    """One connection. `sent` has what the client wrote."""

    def __init__(self, protocol: Any) -> None:
        self.sent = b""
        self.is_open = True
        self._protocol = protocol
        protocol.connection_made(self)

    def write(self, data: bytes) -> None:
        assert self.is_open
        self.sent += data

    def abort(self) -> None:
        self.lose(None)

    def lose(self, error: Exception | None) -> None:
        if self.is_open:
            self.is_open = False
            self._protocol.connection_lost(error)

    def reply(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._protocol.data_received(piece)


class Sockets:
    """The connections of a test in the order of their opening."""

    def __init__(self) -> None:
        self.made: list[Socket] = []
        self.addresses: list[tuple[str, int]] = []
        # Called in the place of the next openings; may raise, or wait.
        self.before: list[Callable[[], Any]] = []
        # Whether new connections are lost at once.
        self.are_lost = False

    async def open(self, make: Callable[[], Any], host: str, port: int) -> tuple[Socket, Any]:
        self.addresses.append((host, port))
        await asyncio.sleep(0)
        if self.before:
            await self.before.pop(0)()
        protocol = make()
        self.made.append(Socket(protocol))
        if self.are_lost:
            self.made[-1].lose(None)
        return self.made[-1], protocol

    def play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the running loop open these connections, and jump over its waits: there is nothing else to
        wait for.
        """
        skip_waits(monkeypatch)
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", self.open)


async def settle() -> None:
    """Let everything run that waits for nothing but its turn."""
    for _ in range(10):
        await asyncio.sleep(0)
