"""The database is locked while stations charge. A lock shorter than the journal's budget only delays answers;
a longer one closes the sockets (F27, F28).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest

from tests.chaos.expected import ExpectedData
from tests.chaos.stations import AnswerCounter, FixedEndpoint, FrameObserver, Station, make_stations, running
from tests.conformance.peer import eventually
from tests.seeds import chosen_seed
from tests.servers import LiveServer

pytestmark = pytest.mark.slow
STATIONS = 20


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the write lock of the database, as a backup does; a full disk or a restart has the same effect."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@asynccontextmanager
async def charging(
    server: LiveServer, expected: ExpectedData, answers: AnswerCounter
) -> AsyncIterator[list[Station]]:
    """Run stations, and at the end wait until each has finished its current session."""
    seed = chosen_seed("stations")
    stations = make_stations(STATIONS, FixedEndpoint(server.ocpp), expected, seed=seed, observer=answers)
    async with running(stations):
        await answers.more(10 * STATIONS)
        yield stations


def serve(folder: Path, template: Path, **environment: str) -> LiveServer:
    server = LiveServer(folder, template=template, LOG_LEVEL="WARNING", **environment).start()
    for number in range(STATIONS):
        status, _ = server.request("POST", "/api/v1/tokens", {"uid": f"CARD-{number}", "type": "RFID"})
        assert status == 201
    return server


async def test_F27_a_lock_of_5_seconds_causes_no_error_and_every_message_is_answered(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = await asyncio.to_thread(serve, tmp_path / "server", migrated_database)
    expected, answers = ExpectedData(), AnswerCounter()
    try:
        async with charging(server, expected, answers) as stations:
            with locked(server.database):
                before = answers.count
                await asyncio.sleep(5)  # the test is about this delay
                answered_meanwhile = answers.count - before
            await answers.more(3 * STATIONS)
        ready, _ = await asyncio.to_thread(server.request, "GET", "/health/ready")
    finally:
        server.stop()

    assert answered_meanwhile <= STATIONS  # answers to messages committed before the lock
    assert expected.retries == 0 and not any(station.closes for station in stations)
    assert expected.violations(server.database) == []
    assert ready == 200


async def test_F28_a_lock_longer_than_the_budget_closes_sockets_with_1013_and_nothing_is_lost(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = await asyncio.to_thread(serve, tmp_path / "server", migrated_database, OCPP_JOURNAL_BUDGET="2s")
    expected, answers = ExpectedData(), AnswerCounter()
    try:
        async with charging(server, expected, answers) as stations:
            with locked(server.database):
                command = {"action": "ClearCache"}
                path = "/api/v1/chargepoints/CP-0/commands"
                status, answer = await asyncio.to_thread(server.request, "POST", path, command)
                await eventually(lambda: all(station.closes for station in stations))
                # The stations reconnect while the database is still locked: the handshake is refused.
                refusals = {station: station.refusals for station in stations}
                await eventually(lambda: all(station.refusals > refusals[station] for station in stations))
                ready, parts = await asyncio.to_thread(server.request, "GET", "/health/ready")
            await answers.more(5 * STATIONS)
        online = _online(server.database)
    finally:
        server.stop()

    assert {code for station in stations for code in station.closes} == {1013}
    assert ready == 503, parts
    assert status == 503 and "database" in answer["message"]
    assert expected.retries >= STATIONS
    assert expected.violations(server.database, has_gaps=True) == []
    assert online == 0, "a station that disconnected during the lock is still stored as online"


async def test_F28_a_start_that_was_not_stored_does_not_block_its_token(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = await asyncio.to_thread(serve, tmp_path / "server", migrated_database, OCPP_JOURNAL_BUDGET="1s")
    expected = ExpectedData()
    endpoint = FixedEndpoint(server.ocpp)
    seed = chosen_seed("stations")
    first, second = make_stations(4, endpoint, expected, seed=seed, observer=FrameObserver())[0::2]
    second.card = first.card
    try:
        await first.deliver("Authorize", {"idTag": first.card})
        await second.deliver("Authorize", {"idTag": second.card})
        with locked(server.database):
            starting = asyncio.ensure_future(first.charge())
            await eventually(lambda: first.closes)
            starting.cancel()  # the driver gives up and drives to the other station
            await asyncio.gather(starting, return_exceptions=True)
        expected.sessions.clear()

        await second.charge()
    finally:
        server.stop()

    assert first.closes == [1013]
    assert expected.violations(server.database, has_gaps=True) == []


def _online(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as stored:
        deadline = time.monotonic() + 60
        while True:
            (count,) = stored.execute(
                "SELECT COUNT(*) FROM chargepoints_chargepoint WHERE is_online"
            ).fetchone()
            if not count or time.monotonic() > deadline:
                return int(count)
            time.sleep(0.1)  # poll: another process writes it
