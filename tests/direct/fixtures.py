"""The fixtures of stations without sockets. A conftest.py imports those that its tests use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from accounts.models import Token
from chargepoints.models import ChargePoint, Site
from ocpp_server.live.extensions import load_station
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from tests.direct.process import running
from tests.direct.station import DirectStation
from tests.direct.wire import Wire


@pytest.fixture
async def engine() -> AsyncIterator[None]:
    """The journal and a fresh live state."""
    async with running():
        yield


@pytest.fixture
def run_orm(engine: None) -> Callable[..., Awaitable[Any]]:
    """Run a function that uses the ORM, as another request does."""

    async def run(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return await journal.run(function, *args, **more)

    return run


@pytest.fixture
async def units_at_once(engine: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Store at once what handlers give to `Unit.run`: a test calls them without a message that commits it."""
    async with functions_stored_at_once(monkeypatch):
        yield


@asynccontextmanager
async def functions_stored_at_once(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Raises what a function has raised, at the end."""
    stored: list[asyncio.Future[Any]] = []

    def run(_unit: Unit, function: Callable[..., Any], *args: Any, **more: Any) -> None:
        stored.append(journal.run(function, *args, **more))

    monkeypatch.setattr(Unit, "run", run)
    yield
    await asyncio.gather(*stored)


@pytest.fixture
async def station(engine: None) -> AsyncIterator[Callable[..., Awaitable[DirectStation]]]:
    """Make a station of a version, at a site when one is named."""
    made: list[DirectStation] = []

    async def make(version: str, identity: str = "CP-1", site: str = "", **more: Any) -> DirectStation:
        if site:
            more["site"] = (await journal.run(Site.objects.get_or_create, name=site))[0]
        made.append(await DirectStation.create(version, identity, **more))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
async def make_wire(engine: None) -> AsyncIterator[Callable[..., Awaitable[Wire]]]:
    """Make a connection of a station. A second one of the same station knows no answers of the first."""
    made: list[Wire] = []

    async def make(version: str, identity: str = "CP-1") -> Wire:
        usual = {"registration_status": "Accepted", "ocpp_version": version}
        row, _ = await journal.run(ChargePoint.objects.get_or_create, identity=identity, defaults=usual)
        made.append(Wire(await journal.run(load_station, row.pk, version)))
        return made[-1]

    yield make
    for wire in made:
        await wire.connection.closed()


@pytest.fixture
async def tokens(engine: None) -> None:
    for uid in ("ALICE", "BOB"):
        await journal.run(Token.objects.create, uid=uid, type=Token.Type.RFID)
