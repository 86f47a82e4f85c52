"""SIGKILL at chosen moments, while stations charge and repeat unanswered messages (F02, F11, F47, F51)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chaos import plan
from tests.chaos.expected import ExpectedData
from tests.chaos.plan import Moment
from tests.chaos.restarting import RestartingServer
from tests.chaos.stations import AnswerCounter, FrameObserver, Station, make_stations, running
from tests.seeds import chosen_seed

STATIONS = 40
# The longest time a server takes to stop after SIGTERM: the default of SHUTDOWN_GRACE.
GRACE_S = 20
# The actions during which the server is killed.
_TARGETS = frozenset({"StartTransaction", "StopTransaction", "TransactionEvent", "MeterValues"})


class Killer(FrameObserver):
    """Kills the server microseconds to milliseconds after a station sends a frame or gets an answer."""

    def __init__(self, server: RestartingServer, planned: Iterator[plan.Kill]) -> None:
        self.server = server
        self.killed = asyncio.Event()
        self._planned = planned
        self._kill: plan.Kill | None = None
        self._frames = 0

    def sent(self, action: str) -> None:
        if self._kill is None or action not in _TARGETS:
            return
        self._frames += 1
        if self._frames != self._kill.frames:
            return
        if self._kill.moment is Moment.BLOCKED_FRAME:
            self._kill_blocked()
        elif self._kill.moment is Moment.FRAME:
            asyncio.get_running_loop().call_later(self._kill.delay_s, self._kill_now)

    def answered(self) -> None:
        kill = self._kill
        if kill is not None and kill.moment is Moment.ANSWER and self._frames >= kill.frames:
            self._kill_blocked()

    def _kill_blocked(self) -> None:
        """Block the event loop until the kill: no station reads an answer that the server sends meanwhile."""
        assert self._kill is not None
        time.sleep(self._kill.delay_s)
        self._kill_now()

    def _kill_now(self) -> None:
        self._kill = None
        self.server.kill()
        self.killed.set()

    async def once(self) -> None:
        """Start the server, kill it once and wait for its end."""
        self.killed.clear()
        kill = next(self._planned)
        await self.server.start()
        if kill.moment is Moment.START:
            await asyncio.sleep(kill.delay_s)
            self._kill_now()
        else:
            await self.server.listening()
            self._kill, self._frames = kill, 0
            await asyncio.wait_for(self.killed.wait(), 120)
        await self.server.ended()


@asynccontextmanager
async def charging(
    server: RestartingServer, expected: ExpectedData, observer: FrameObserver, *, seed: int
) -> AsyncIterator[list[Station]]:
    """Run stations. At the end, start the server so that each station can finish its session."""
    await server.open()
    stations = make_stations(STATIONS, server, expected, seed=seed, observer=observer)
    try:
        async with running(stations):
            yield stations
            for station in stations:
                station.finishing = True
            await server.start()
            await server.listening()
        await server.stop()
    finally:
        await server.close()


async def kill_repeatedly(server: RestartingServer, kills: int) -> ExpectedData:
    """Kill the server this many times and return the data the stations expect to be stored.

    The seed repeats after which frame each kill comes, with which delay, and the choices of each station. The
    process itself runs at its own pace: the same delay may hit it before the commit or after.
    """
    seed = chosen_seed("kills")
    expected = ExpectedData()
    killer = Killer(server, plan.kills(seed))
    async with charging(server, expected, killer, seed=seed):
        for _ in range(kills):
            await killer.once()
    stored, missing = expected.count_unanswered(server.database)
    print(
        f"{server.kills} kills of a server with {STATIONS} stations: {len(expected.sessions)} sessions,"
        f" {len(expected.answered)} answers, {expected.retries} repeated messages; unanswered messages:"
        f" {stored} stored, {missing} not"
    )
    return expected


@pytest.mark.slow
async def test_25_kills_lose_no_message_and_store_none_twice(tmp_path: Path, migrated_database: Path) -> None:
    server = RestartingServer(tmp_path / "server", migrated_database, cards=STATIONS)

    expected = await kill_repeatedly(server, 25)

    assert expected.violations(server.database) == []
    stored, missing = expected.count_unanswered(server.database)
    assert stored > 0, "no kill hit the moment between commit and answer"
    assert missing > 0, "no kill hit the moment before the commit"
    assert len(expected.sessions) > STATIONS and server.kills == 25


@pytest.mark.soak
@pytest.mark.slow
async def test_250_kills_lose_no_message_and_store_none_twice(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = RestartingServer(tmp_path / "server", migrated_database, cards=STATIONS)

    expected = await kill_repeatedly(server, 250)

    assert expected.violations(server.database) == []
    assert server.kills == 250


@pytest.mark.slow
async def test_a_server_that_answers_before_it_commits_is_detected(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = RestartingServer(tmp_path / "server", migrated_database, cards=STATIONS, is_broken=True)

    expected = await kill_repeatedly(server, 8)

    violations = expected.violations(server.database)
    print("\n".join(violations[:20]))
    assert any("was answered and is not stored" in violation for violation in violations)


@pytest.mark.slow
async def test_a_server_stopped_under_load_finishes_its_open_messages_and_loses_none(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = RestartingServer(tmp_path / "server", migrated_database, cards=STATIONS)
    expected, answers = ExpectedData(), AnswerCounter()

    async with charging(server, expected, answers, seed=chosen_seed("stations")) as stations:
        for _ in range(5):
            await server.start()
            await server.listening()
            await answers.more(3 * STATIONS)
            began = time.monotonic()
            await server.stop()
            assert (
                time.monotonic() - began < GRACE_S
            )  # it waits for its open messages, not for the whole time

    assert expected.violations(server.database) == []
    assert {code for station in stations for code in station.closes} <= {1001, 1012}
    assert "Traceback" not in server.log.read_text()
