"""The database is locked while stations charge: within the budget nobody notices, beyond it sockets close
(F27, F28).
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
from tests.chaos.stations import Address, Answers, Station, Witness, crowd, driving
from tests.conformance.peer import eventually
from tests.servers import LiveServer

pytestmark = pytest.mark.slow
STATIONS = 20


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Nobody else can write: what a backup, a full disk or a database that restarts do to us."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@asynccontextmanager
async def charging(
    server: LiveServer, expected: ExpectedData, answers: Answers
) -> AsyncIterator[list[Station]]:
    """A crowd that charges, and in the end finishes what it has begun."""
    stations = crowd(STATIONS, Address(server.ocpp), expected, seed=1, witness=answers)
    async with driving(stations):
        await answers.more(10 * STATIONS)
        yield stations


def serve(folder: Path, template: Path, **environment: str) -> LiveServer:
    server = LiveServer(folder, template=template, LOG_LEVEL="WARNING", **environment).start()
    for number in range(STATIONS):
        status, _ = server.request("POST", "/api/v1/tokens", {"uid": f"CARD-{number}", "type": "RFID"})
        assert status == 201
    return server


async def test_F27_locked_for_5_seconds_no_error_and_everything_is_answered(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = await asyncio.to_thread(serve, tmp_path / "server", migrated_database)
    expected, answers = ExpectedData(), Answers()
    try:
        async with charging(server, expected, answers) as stations:
            with locked(server.database):
                before = answers.count
                await asyncio.sleep(5)  # the time is the subject
                answered_meanwhile = answers.count - before
            await answers.more(3 * STATIONS)
        ready, _ = await asyncio.to_thread(server.request, "GET", "/health/ready")
    finally:
        server.stop()

    assert answered_meanwhile <= STATIONS  # what was committed before the lock
    assert expected.retries == 0 and not any(station.closes for station in stations)
    assert expected.violations(server.database) == []
    assert ready == 200


async def test_F28_away_beyond_the_budget_sockets_close_with_1013_and_nothing_is_lost(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = await asyncio.to_thread(serve, tmp_path / "server", migrated_database, OCPP_JOURNAL_BUDGET="2s")
    expected, answers = ExpectedData(), Answers()
    try:
        async with charging(server, expected, answers) as stations:
            with locked(server.database):
                command = {"action": "ClearCache"}
                path = "/api/v1/chargepoints/CP-0/commands"
                asked, said = await asyncio.to_thread(server.request, "POST", path, command)
                await eventually(lambda: all(station.closes for station in stations))
                # They come back and find the database still away: refused at the handshake.
                refusals = {station: station.refusals for station in stations}
                await eventually(lambda: all(station.refusals > refusals[station] for station in stations))
                ready, parts = await asyncio.to_thread(server.request, "GET", "/health/ready")
            await answers.more(5 * STATIONS)
        online = _online(server.database)
    finally:
        server.stop()

    assert {code for station in stations for code in station.closes} == {1013}
    assert ready == 503, parts
    assert asked == 503 and "database" in said["message"]
    assert expected.retries >= STATIONS
    assert expected.violations(server.database, has_gaps=True) == []
    assert online == 0, "who left while the database was away is still online in it"


async def test_F28_a_start_that_was_not_stored_keeps_the_card_from_nothing(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = await asyncio.to_thread(serve, tmp_path / "server", migrated_database, OCPP_JOURNAL_BUDGET="1s")
    expected = ExpectedData()
    first, second = crowd(4, Address(server.ocpp), expected, seed=1, witness=Witness())[0::2]
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
            time.sleep(0.1)  # nothing to await: another process writes it
