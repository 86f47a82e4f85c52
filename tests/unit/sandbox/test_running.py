"""The process that runs virtual stations, without sockets and threads."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db import OperationalError
from structlog.testing import capture_logs

from ocpp_server import live
from sandbox import jobs
from sandbox.models import Step, VirtualStation
from sandbox.services import running, stations, steps
from sandbox.services.running import Runner
from sandbox.services.virtual import Virtual


class Fake:
    """A station without a connection."""

    def __init__(self, pk: int) -> None:
        self.pk = pk
        self.station = SimpleNamespace(identity=f"TEST-{pk}")
        self.failure: BaseException | None = None
        self.taken: list[Step] = []
        self.ended: list[Any] = []
        self.problem = ""
        self.is_stopped = False

    def take(self, step: Step) -> None:
        self.taken.append(step)

    async def stop(self, *, grace_s: float = 0.0) -> None:
        self.is_stopped = True

    def state(self) -> dict[str, Any]:
        return {"connectors": [], "failures": []}


class Stored:
    """The rows of the database, and the changes of them."""

    def __init__(self) -> None:
        self.rows: list[VirtualStation] = []
        self.waiting: list[Step] = []
        self.deleted: list[int] = []
        self.refused: list[int] = []
        self.deletion_fails = False

    def claim(self, pks: list[int]) -> list[Step]:
        return [step for step in self.waiting if step.station_id in pks]

    def delete(self, pk: int, goes_on: Callable[[], bool]) -> None:
        assert goes_on()
        if self.deletion_fails:
            raise OperationalError("canceling statement due to statement timeout")
        self.deleted.append(pk)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stored:
    made = Stored()
    monkeypatch.setattr(running, "_rows", lambda: made.rows)
    monkeypatch.setattr(running, "_store", lambda changed: None)
    monkeypatch.setattr(running, "_note", lambda pk, problem: None)
    monkeypatch.setattr(steps, "begin_again", lambda: None)
    monkeypatch.setattr(steps, "claim", made.claim)
    monkeypatch.setattr(steps, "refuse", made.refused.append)
    monkeypatch.setattr(stations, "delete", made.delete)
    return made


@pytest.fixture
async def runner(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runner]:
    made = Runner()

    async def here(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)  # as a thread, it lets other tasks run meanwhile
        return function(*args, **kwargs)

    monkeypatch.setattr(made, "_in_thread", here)
    monkeypatch.setattr(made, "_in_deletions", here)
    yield made
    await asyncio.gather(*made._ending.values())


def runs(runner: Runner, pk: int) -> Fake:
    fake = Fake(pk)
    runner.running[pk] = cast(Virtual, fake)
    return fake


async def test_the_steps_of_others_are_taken_while_a_station_ends(runner: Runner, stored: Stored) -> None:
    ending, other = runs(runner, 1), runs(runner, 2)
    stored.rows = [VirtualStation(pk=1, is_ending=True), VirtualStation(pk=2)]
    stored.waiting = [Step(pk=7, station_id=1), Step(pk=8, station_id=2)]

    await runner._look()

    assert other.taken == [Step(pk=8)]
    assert not ending.taken


async def test_a_deletion_that_fails_is_tried_again_later(
    runner: Runner, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.rows = [VirtualStation(pk=1, is_ending=True)]
    stored.deletion_fails = True

    with capture_logs() as logs:
        for _ in range(3):
            await runner._look()
            await asyncio.gather(*runner._ending.values())
    assert [one["event"] for one in logs] == ["sandbox.not_deleted"]

    stored.deletion_fails = False
    monkeypatch.setattr(runner, "_not_before", {})
    await runner._look()
    await asyncio.gather(*runner._ending.values())
    assert stored.deleted == [1]


async def test_a_station_that_failed_is_stopped_and_started_later(runner: Runner, stored: Stored) -> None:
    failed = runs(runner, 1)
    failed.failure = ValueError("the simulator has a bug")
    stored.rows = [VirtualStation(pk=1)]

    with capture_logs() as logs:
        await runner._look()

    assert [one["event"] for one in logs] == ["sandbox.station_failed"]
    assert failed.is_stopped and stored.refused == [1]
    assert not runner.running


async def test_a_step_with_an_error_does_not_end_those_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ready() -> None:
        """The station is ready, and its queue empty."""

    async def run(step: Step) -> None:
        if step.pk == 1:
            raise ZeroDivisionError

    virtual = Virtual.__new__(Virtual)
    virtual.station = cast(
        Any, SimpleNamespace(identity="TEST-1", ready=SimpleNamespace(wait=ready), outbox_drained=ready)
    )
    virtual.ended, virtual._steps = [], asyncio.Queue()
    monkeypatch.setattr(virtual, "_run", run)
    for pk in (1, 2):
        virtual.take(Step(pk=pk, kind=Step.Kind.PLUG))

    with capture_logs() as logs:
        working = asyncio.create_task(virtual._work())
        while len(virtual.ended) < 2:
            await asyncio.sleep(0)
    working.cancel()

    assert [reason for _, reason in virtual.ended] == ["The step failed.", ""]
    assert [one["event"] for one in logs] == ["sandbox.step_failed"]


async def test_the_simulator_is_loaded_by_the_elected_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = SimpleNamespace(is_housekeeper=False)
    looks: list[str] = []

    async def look() -> None:
        looks.append("look")

    monkeypatch.setattr(jobs, "_loaded", [])
    monkeypatch.setattr(live, "state", lambda: keeper)
    module = SimpleNamespace(runner=SimpleNamespace(look=look, pause_s=0.2))
    monkeypatch.setitem(sys.modules, jobs._RUNNING, cast(Any, module))

    await jobs.run()
    assert (jobs._loaded, jobs._pause(), looks) == ([], 1.0, [])

    keeper.is_housekeeper = True
    await jobs.run()
    assert (jobs._pause(), looks) == (0.2, ["look"])
