"""Processes of every role are killed at chosen moments while stations charge through gateways and sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.chaos.expected import ExpectedData
from tests.chaos.plan import restarts
from tests.chaos.stations import AnswerCounter
from tests.conformance.peer import eventually
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.killing import RestartedProcess, make_stations
from tests.distributed.sqlite_copy import copy
from tests.seeds import chosen_seed

pytestmark = pytest.mark.slow
ROLES = (("gateway", 1), ("processor", 2), ("web", 2), ("housekeeping", 1))


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    cluster = make_cluster(0, LOG_LEVEL="WARNING")
    yield cluster
    cluster.stop()


async def charge_during_kills(
    cluster: Cluster, stations: int, seconds: float, lifetime: tuple[int, int], least_kills: int
) -> None:
    """Let stations charge while processes are killed, and check that all their data is stored.

    A kill comes after so many answers: on a busy machine the run takes longer than `seconds`, until there
    were enough kills. The seed repeats after how many answers each process is killed and the choices of each
    station; which messages a kill hits depends on the pace of the processes.
    """
    seed = chosen_seed("kills")
    expected, answers = ExpectedData(), AnswerCounter()
    processes: list[RestartedProcess] = []
    for role, count in ROLES:
        added = await asyncio.to_thread(cluster.add, count, role)
        processes += [RestartedProcess(server) for server in added]
    web = next(process.server for process in processes if process.server.role == "web")
    for number in range(stations):
        status, answer = await asyncio.to_thread(
            web.request, "POST", "/api/v1/tokens", {"uid": f"CARD-{number}", "type": "RFID"}
        )
        assert status == 201, answer
    charging = make_stations(processes, stations, expected, answers, seed=seed)
    running = [asyncio.ensure_future(station.run()) for station in charging]
    killing = [
        asyncio.ensure_future(process.kill_repeatedly(restarts(seed, number, answers=lifetime), answers))
        for number, process in enumerate(processes)
    ]
    try:
        await asyncio.sleep(seconds)
        await eventually(lambda: sum(one.kills for one in processes) >= least_kills, 60)
        for task in killing:
            task.cancel()
        await asyncio.gather(*killing, return_exceptions=True)
        for process in processes:
            await asyncio.wait_for(process.up.wait(), 120)
        for station in charging:
            station.finishing = True
        await asyncio.wait_for(asyncio.gather(*running), 240)
    finally:
        for task in (*running, *killing):
            task.cancel()
        await asyncio.gather(*running, *killing, return_exceptions=True)
    kills = sum(process.kills for process in processes)
    print(
        f"{kills} kills ({', '.join(f'{process.server.role} {process.kills}' for process in processes)}),"
        f" {stations} stations, {len(expected.sessions)} sessions, {len(expected.answered)} answers,"
        f" {expected.retries} repeated messages"
    )
    stored = copy(cluster, cluster.folder / "copy.sqlite3")
    assert expected.violations(stored, has_gaps=True, has_counter=False) == []
    assert expected.retries > 0, "no kill hit a message"


@pytest.mark.nightly
async def test_processes_of_every_role_are_killed_and_no_message_is_lost_or_stored_twice(
    cluster: Cluster,
) -> None:
    await charge_during_kills(cluster, stations=16, seconds=8, lifetime=(20, 150), least_kills=4)


@pytest.mark.nightly
async def test_20_seconds_of_random_kills_with_24_stations(cluster: Cluster) -> None:
    await charge_during_kills(cluster, stations=24, seconds=20, lifetime=(100, 1_200), least_kills=4)


@pytest.mark.soak
async def test_five_minutes_of_random_kills_with_300_stations(cluster: Cluster) -> None:
    await charge_during_kills(cluster, stations=300, seconds=300, lifetime=(2_000, 20_000), least_kills=30)
