"""Everything is killed at random moments, again and again, while stations charge at sockets and gateways."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator

import pytest

from tests.chaos.expected import ExpectedData
from tests.chaos.stations import Answers, Station, Station2x, Station16, Station21
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.sqlite_copy import copy
from tests.servers import LiveServer

pytestmark = pytest.mark.slow
ROLES = (("gateway", 1), ("processor", 2), ("web", 2), ("housekeeping", 1))
KINDS = (Station16, Station2x, Station16, Station21)


class RestartedProcess:
    """A process that dies after a while and is started again; `up` tells stations whether to try."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.up = asyncio.Event()
        self.up.set()
        self.deaths = 0

    @property
    def url(self) -> str:
        return self.server.ocpp

    async def keep_dying(self, lives: tuple[float, float], chance: random.Random) -> None:
        """A life lasts so many seconds, at least and at most."""
        while True:
            await asyncio.sleep(chance.uniform(*lives))
            self.up.clear()
            # Not to be cancelled between kill and restart.
            await asyncio.shield(self._restart(chance.uniform(0, 1)))

    async def _restart(self, after_s: float) -> None:
        await asyncio.to_thread(self.server.kill)
        self.deaths += 1
        await asyncio.sleep(after_s)
        await asyncio.to_thread(self.server.start)
        self.up.set()


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    cluster = make_cluster(0, LOG_LEVEL="WARNING")
    yield cluster
    cluster.stop()


def crowd(
    places: list[RestartedProcess], count: int, expected: ExpectedData, answers: Answers, *, seed: int
) -> list[Station]:
    """Half of them at gateways, the others at sockets of web processes; half 1.6, half 2.x."""
    fronts = [place for place in places if place.server.role == "gateway"]
    webs = [place for place in places if place.server.role == "web"]
    found: list[Station] = []
    for number in range(count):
        group = (fronts, webs)[number // 4 % 2]
        place = group[number // 8 % len(group)]
        found.append(KINDS[number % 4](number, place, expected, seed=seed, witness=answers))
    return found


async def survive(cluster: Cluster, stations: int, seconds: float, lives: tuple[float, float]) -> int:
    """Charge while everything dies; what is stored is what the stations sent. Returns the deaths.

    CHAOS_SEED repeats the choices of a run, though not its time.
    """
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    print(f"CHAOS_SEED={seed}")
    expected, answers, chance = ExpectedData(), Answers(), random.Random(seed)
    places: list[RestartedProcess] = []
    for role, count in ROLES:
        places += [RestartedProcess(server) for server in await asyncio.to_thread(cluster.add, count, role)]
    web = next(place.server for place in places if place.server.role == "web")
    for number in range(stations):
        status, answer = await asyncio.to_thread(
            web.request, "POST", "/api/v1/tokens", {"uid": f"CARD-{number}", "type": "RFID"}
        )
        assert status == 201, answer
    charging = crowd(places, stations, expected, answers, seed=seed)
    running = [asyncio.ensure_future(station.run()) for station in charging]
    dying = [asyncio.ensure_future(place.keep_dying(lives, chance)) for place in places]
    try:
        await asyncio.sleep(seconds)
        for task in dying:
            task.cancel()
        await asyncio.gather(*dying, return_exceptions=True)
        for place in places:
            await asyncio.wait_for(place.up.wait(), 120)
        for station in charging:
            station.finishing = True
        await asyncio.wait_for(asyncio.gather(*running), 240)
    finally:
        for task in (*running, *dying):
            task.cancel()
        await asyncio.gather(*running, *dying, return_exceptions=True)
    deaths = sum(place.deaths for place in places)
    print(
        f"{deaths} deaths ({', '.join(f'{place.server.role} {place.deaths}' for place in places)}),"
        f" {stations} stations, {len(expected.sessions)} sessions, {len(expected.answered)} answers,"
        f" {expected.retries} repeated messages"
    )
    stored = copy(cluster, cluster.folder / "copy.sqlite3")
    assert expected.violations(stored, has_gaps=True, has_counter=False) == []
    assert expected.retries > 0, "no death hit a message"
    return deaths


async def test_processes_of_every_role_die_and_nothing_is_lost_or_doubled(cluster: Cluster) -> None:
    deaths = await survive(cluster, stations=16, seconds=8, lives=(1, 5))

    assert deaths >= 4


@pytest.mark.nightly
async def test_20_seconds_of_random_deaths_under_24_stations(cluster: Cluster) -> None:
    deaths = await survive(cluster, stations=24, seconds=20, lives=(2, 12))

    assert deaths >= 4


@pytest.mark.soak
async def test_five_minutes_of_random_deaths_under_300_stations(cluster: Cluster) -> None:
    deaths = await survive(cluster, stations=300, seconds=300, lives=(5, 40))

    assert deaths >= 30
