"""A small CSMS and stations for the tests of the simulator, without Django and a database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from simulator import VERSIONS, Station
from tests.simulator.csms import TIMEOUT_S, Csms

SPEED = 200.0


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    server = Csms()
    server.url = await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


MakeStation = Callable[..., Awaitable[Station]]


@pytest.fixture
async def make_station(csms: Any) -> AsyncIterator[MakeStation]:
    stations: list[Station] = []

    async def make(version: str, identity: str = "CS 1", **options: Any) -> Station:
        # A constant seed: the tests expect the readings of one known session.
        options = {"speed": SPEED, "seed": 7, "call_timeout_s": TIMEOUT_S} | options
        station = Station(identity, version, csms.url, **options)
        stations.append(station)
        await station.start(timeout_s=TIMEOUT_S)
        return station

    yield make
    for station in stations:
        await station.stop(grace_s=1)


@pytest.fixture
async def station(make_station: MakeStation, version: str) -> Station:
    """A booted station; each test runs once with each version."""
    return await make_station(version)
