"""An unknown station: its boots, and the messages and close codes it was sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from ocpp_server.transport.handshake.admission import Handshake, Refusal, Unknown
from ocpp_server.transport.handshake.first_boot import Ended, FirstBoot, UnknownSocket
from ocpp_server.transport.handshake.known_station import KnownStation
from tests.unit.transport.handshakes import handshake

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
BOOTS: dict[str, dict[str, Any]] = {
    V16: {"chargePointVendor": "Vendor", "chargePointModel": "Model"},
    V201: {"reason": "PowerUp", "chargingStation": {"vendorName": "Vendor", "model": "Model"}},
    V21: {"reason": "PowerUp", "chargingStation": {"vendorName": "Vendor", "model": "Model"}},
}
ROW = cast("KnownStation", object())
HANDSHAKE = handshake("NEW")
BOOT = json.dumps([2, "1", "BootNotification", BOOTS[V16]])


class Newcomer:
    """An unknown station, with what it was sent. `refusal` refuses its boot."""

    def __init__(self, version: str, refusal: Refusal | None = None) -> None:
        self.sent: list[list[Any]] = []
        self.closed: list[tuple[int, str]] = []
        self.entered = 0
        self._refusal = refusal
        self._boot = FirstBoot(HANDSHAKE, version, send=self._send, close=self._close, enter=self._enter)

    async def sends(self, *frame: Any) -> KnownStation | None:
        return await self._boot.received(json.dumps(frame))

    async def is_asked(self) -> None:
        await self._boot.ask()

    async def _send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def _close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    async def _enter(self, handshake: Handshake) -> KnownStation:
        if self._refusal is not None:
            raise self._refusal
        self.entered += 1
        return ROW


class Socket:
    """The ASGI channels of an unknown station's socket."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        unknown = Unknown(version=V16, subprotocol=V16)
        self.station = UnknownSocket(HANDSHAKE, unknown, self._received.get, self.sent.put)

    def receives(self, **message: Any) -> None:
        self._received.put_nowait(message)

    async def until_end(self) -> int:
        """Run the conversation to its end; returns the close code."""
        with pytest.raises(Ended) as ended:
            await self.station.until_boot()
        return ended.value.code


class Entered(Socket):
    """The socket of a station that its boot adds."""

    def __init__(self) -> None:
        super().__init__()

        async def enter(handshake: Handshake) -> KnownStation:
            return ROW

        self.station._boot._enter = enter
