"""SIGKILL at random moments, while stations charge and repeat what was not answered (F02, F11, F47, F51)."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chaos.expected import ExpectedData
from tests.chaos.restarting import RestartingServer
from tests.chaos.stations import Answers, Station, Witness, crowd, driving

STATIONS = 40
# How long a server takes at most to end when it is told to: SHUTDOWN_GRACE where nothing else is said.
GRACE_S = 20
# The messages in whose middle the server dies.
_FATAL = frozenset({"StartTransaction", "StopTransaction", "TransactionEvent", "MeterValues"})


class Killer(Witness):
    """Kills the server microseconds to milliseconds after a frame has left or an answer has come."""

    def __init__(self, server: RestartingServer, *, seed: int) -> None:
        self.server = server
        self.random = random.Random(seed)
        self.killed = asyncio.Event()
        self._frames_left = 0
        self._waits_for_answer = False

    def sent(self, action: str) -> None:
        if not self._frames_left or action not in _FATAL:
            return
        self._frames_left -= 1
        if self._frames_left:
            return
        choice = self.random.random()
        if choice < 0.5:
            # One answer means that a batch is committed: those of its other stations are on their way now.
            self._waits_for_answer = True
            return
        # Before the commit, in the middle of it, after it: 10 microseconds to 20 milliseconds.
        delay = 10 ** self.random.uniform(-5, -1.7)
        if choice < 0.75:
            self._kill_after(delay)
        else:
            asyncio.get_running_loop().call_later(delay, self._kill)

    def heard(self) -> None:
        if self._waits_for_answer:
            self._waits_for_answer = False
            self._kill_after(10 ** self.random.uniform(-5, -3.3))

    def _kill_after(self, delay: float) -> None:
        """Nobody reads meanwhile: what the server answers now may be lost with it."""
        time.sleep(delay)
        self._kill()

    def _kill(self) -> None:
        self.server.kill()
        self.killed.set()

    async def once(self) -> None:
        """One life of the server."""
        self.killed.clear()
        await self.server.start()
        if self.random.random() < 0.04:
            # While it starts.
            await asyncio.sleep(10 ** self.random.uniform(-3, -0.7))
            self._kill()
        else:
            await self.server.listening()
            # Also while the crowd is still coming back.
            self._frames_left = 1 + int(10 ** self.random.uniform(0, 2.6))
            await asyncio.wait_for(self.killed.wait(), 120)
        await self.server.ended()


@asynccontextmanager
async def charging(
    server: RestartingServer, expected: ExpectedData, witness: Witness, *, seed: int
) -> AsyncIterator[list[Station]]:
    """A crowd that charges; on the way out everybody finishes with a server that lives."""
    await server.open()
    stations = crowd(STATIONS, server, expected, seed=seed, witness=witness)
    try:
        async with driving(stations):
            yield stations
            for station in stations:
                station.finishing = True
            await server.start()
            await server.listening()
        await server.stop()
    finally:
        await server.close()


async def survive(server: RestartingServer, kills: int) -> ExpectedData:
    """What is left after so many kills. CHAOS_SEED repeats the choices of a run, though not its time."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    print(f"CHAOS_SEED={seed}")
    expected = ExpectedData()
    killer = Killer(server, seed=seed)
    async with charging(server, expected, killer, seed=seed):
        for _ in range(kills):
            await killer.once()
    stored, missing = expected.unanswered_by_fate(server.database)
    print(
        f"{server.kills} kills of a server with {STATIONS} stations: {len(expected.sessions)} sessions,"
        f" {len(expected.answered)} answers, {expected.retries} repeated messages; unanswered messages:"
        f" {stored} stored, {missing} not"
    )
    return expected


@pytest.mark.slow
async def test_25_kills_lose_nothing_and_double_nothing(tmp_path: Path, migrated_database: Path) -> None:
    server = RestartingServer(tmp_path / "server", migrated_database, cards=STATIONS)

    expected = await survive(server, 25)

    assert expected.violations(server.database) == []
    stored, missing = expected.unanswered_by_fate(server.database)
    assert stored > 0, "no kill hit the moment between commit and answer"
    assert missing > 0, "no kill hit the moment before the commit"
    assert len(expected.sessions) > STATIONS and server.kills == 25


@pytest.mark.soak
@pytest.mark.slow
async def test_250_kills_lose_nothing_and_double_nothing(tmp_path: Path, migrated_database: Path) -> None:
    server = RestartingServer(tmp_path / "server", migrated_database, cards=STATIONS)

    expected = await survive(server, 250)

    assert expected.violations(server.database) == []
    assert server.kills == 250


@pytest.mark.slow
async def test_a_server_that_answers_before_it_commits_is_found_out(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = RestartingServer(tmp_path / "server", migrated_database, cards=STATIONS, is_broken=True)

    expected = await survive(server, 8)

    violations = expected.violations(server.database)
    print("\n".join(violations[:20]))
    assert any("was answered and is not stored" in violation for violation in violations)


@pytest.mark.slow
async def test_stopped_in_full_flow_it_finishes_what_it_has_in_hand_and_nothing_is_lost(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = RestartingServer(tmp_path / "server", migrated_database, cards=STATIONS)
    expected, answers = ExpectedData(), Answers()

    async with charging(server, expected, answers, seed=2) as stations:
        for _ in range(5):
            await server.start()
            await server.listening()
            await answers.more(3 * STATIONS)
            began = time.monotonic()
            await server.stop()
            assert time.monotonic() - began < GRACE_S  # it waits for what is in hand, not for the time

    assert expected.violations(server.database) == []
    assert {code for station in stations for code in station.closes} <= {1001, 1012}
    assert "Traceback" not in server.log.read_text()
