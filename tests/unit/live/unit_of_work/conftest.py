"""A station's connection without a socket, on the real handlers, journal and live state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from accounts.models import Token
from chargepoints.models import ChargePoint
from ocpp_server.live.extensions import load_station
from ocpp_server.process import engine
from ocpp_server.storage.journal import journal
from tests.unit.live.unit_of_work.wire import Wire


@pytest.fixture
async def make_wire() -> AsyncIterator[Callable[..., Awaitable[Wire]]]:
    await engine.start()
    made: list[Wire] = []

    async def make(version: str, identity: str = "CP-1") -> Wire:
        def create() -> int:
            charge_point, _ = ChargePoint.objects.get_or_create(
                identity=identity, defaults={"registration_status": "Accepted", "ocpp_version": version}
            )
            return charge_point.pk

        station = await journal.run(load_station, await journal.run(create), version)
        wire = Wire(station)
        made.append(wire)
        return wire

    yield make
    for wire in made:
        await wire.connection.closed()
    await engine.stop()


@pytest.fixture
async def tokens(make_wire: Callable[..., Awaitable[Wire]]) -> None:
    def create() -> None:
        for uid in ("ALICE", "BOB"):
            Token.objects.create(uid=uid, type=Token.Type.RFID)

    await journal.run(create)
