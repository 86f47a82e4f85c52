"""The shutdown of a process: it closes its sockets one by one within the grace period."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.transport import shutdown
from tests.logged import captured_logs
from tests.unit.transport.instant import skip_waits

STEP_S = 0.05


class Socket:
    """A socket that is closed when `finish` returns. `answers_s` seconds after the start its station answers
    a command; it never does when this is None.
    """

    def __init__(
        self, world: World, *, answers_s: float | None = 0.0, error: Exception | None = None
    ) -> None:
        self.world = world
        self.answers_s = answers_s
        self.error = error
        self.is_stuck = False
        self.finished: list[tuple[float, int, str]] = []
        self.was_cancelled = False

    @property
    def is_awaited(self) -> bool:
        return self.answers_s is None or self.world.seconds < self.answers_s

    async def finish(self, code: int, reason: str) -> None:
        self.finished.append((self.world.seconds, code, reason))
        if self.error is not None:
            raise self.error
        try:
            if self.is_stuck:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        self.world.open.remove(self)

    @property
    def at(self) -> float:
        ((seconds, _, _),) = self.finished
        return seconds


class World:
    """The open sockets of a process, by the clock of its event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._began = loop, loop.time()
        self.open: list[Socket] = []

    @property
    def seconds(self) -> float:
        return round(self._loop.time() - self._began, 3)

    def add(self, number: int = 1, **more: Any) -> list[Socket]:
        added = [Socket(self, **more) for _ in range(number)]
        self.open += added
        return added

    async def drain(self) -> float:
        """Close all sockets; the seconds that it took."""
        shutdown.serve(lambda: list(self.open))
        await shutdown.drain()
        return self.seconds


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch, settings: Any) -> AsyncIterator[World]:
    settings.SHUTDOWN_GRACE = 20
    loop = skip_waits(monkeypatch, only_jumps=True)
    monkeypatch.setattr(shutdown, "time", SimpleNamespace(monotonic=loop.time))
    shutdown.serve(tuple)
    yield World(loop)
    shutdown.serve(tuple)


# -- the grace period ----------------------------------------------------------------------------------


async def test_the_grace_period_begins_with_the_first_signal(world: World) -> None:
    assert (shutdown.is_under_way(), shutdown.remaining()) == (False, 20.0)
    await asyncio.sleep(5)
    assert shutdown.remaining() == 20.0

    shutdown.begin()
    await asyncio.sleep(5)
    shutdown.begin()

    assert (shutdown.is_under_way(), shutdown.remaining()) == (True, pytest.approx(15.0))
    await asyncio.sleep(16)
    assert shutdown.remaining() == 0.0


async def test_a_second_signal_skips_the_rest_of_the_grace_period(world: World) -> None:
    shutdown.begin()

    shutdown.end_now()

    assert shutdown.remaining() == 0.0


async def test_a_process_that_serves_again_has_a_whole_grace_period(world: World) -> None:
    shutdown.begin()
    shutdown.end_now()
    first = shutdown.drain()
    await first

    shutdown.serve(tuple)

    assert (shutdown.is_under_way(), shutdown.remaining()) == (False, 20.0)
    assert shutdown.drain() is not first


async def test_a_drain_begins_the_shutdown_and_is_shared_by_all_callers(world: World) -> None:
    world.add()
    shutdown.serve(lambda: list(world.open))

    first = shutdown.drain()

    assert shutdown.is_under_way()
    assert shutdown.drain() is first
    await first


async def test_a_process_that_does_not_serve_yet_has_nothing_to_close(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "_shutdown", shutdown._Shutdown())

    assert (shutdown.is_under_way(), shutdown.remaining()) == (False, 20.0)
    await shutdown.drain()

    assert world.seconds == 0.0


# -- one by one ----------------------------------------------------------------------------------------


async def test_a_process_without_sockets_ends_at_once(world: World) -> None:
    assert await world.drain() == 0.0


async def test_sockets_are_closed_with_the_code_of_a_server_that_goes_away(world: World) -> None:
    (socket,) = world.add()

    await world.drain()

    assert socket.finished == [(0.0, 1001, "The server is going away.")]


async def test_a_hundred_sockets_a_second_are_closed(world: World) -> None:
    sockets = world.add(50)

    took = await world.drain()

    assert [socket.at for socket in sockets] == [pytest.approx(number / 100) for number in range(50)]
    assert took == pytest.approx(0.5, abs=2 * STEP_S)


async def test_many_sockets_are_spread_over_seven_tenths_of_the_grace_period(
    world: World, settings: Any
) -> None:
    settings.SHUTDOWN_GRACE = 2
    sockets = world.add(400)

    await world.drain()

    assert [socket.at for socket in sockets[::100]] == [pytest.approx(at) for at in (0, 0.35, 0.7, 1.05)]


async def test_each_socket_is_closed_once(world: World) -> None:
    (socket,) = world.add()
    socket.is_stuck = True

    await world.drain()

    assert len(socket.finished) == 1


async def test_a_socket_that_fails_does_not_keep_the_others_open(world: World) -> None:
    (failing,) = world.add(error=RuntimeError("broken"))
    (other,) = world.add()

    took = await world.drain()

    assert other.at == pytest.approx(0.01)
    assert failing in world.open
    assert took == pytest.approx(20.0, abs=2 * STEP_S)


async def test_what_is_not_closed_at_the_end_of_the_grace_period_is_cancelled(world: World) -> None:
    (socket,) = world.add()
    socket.is_stuck = True

    took = await world.drain()

    assert took == pytest.approx(20.0, abs=2 * STEP_S)
    assert socket.was_cancelled
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_close_of_a_socket_is_not_cancelled_before_it_ends(world: World) -> None:
    """The socket leaves the list before its task ends."""
    (socket,) = world.add()

    await world.drain()

    assert not socket.was_cancelled
    assert world.open == []


async def test_a_second_signal_ends_the_drain_at_once(world: World) -> None:
    world.add(1000)
    asyncio.get_running_loop().call_later(1, shutdown.end_now)

    took = await world.drain()

    assert took == pytest.approx(1.0, abs=3 * STEP_S)


async def test_a_handshake_in_progress_adds_a_socket_that_is_closed_too(world: World) -> None:
    (first,) = world.add(answers_s=2.0)
    late: list[Socket] = []
    asyncio.get_running_loop().call_later(1, lambda: late.extend(world.add(answers_s=None)))

    await world.drain()

    assert late[0].at == pytest.approx(1.0, abs=2 * STEP_S)
    assert first.at == pytest.approx(2.0, abs=2 * STEP_S)


async def test_a_late_socket_is_closed_once_and_counted(world: World) -> None:
    world.add(answers_s=2.0)
    late: list[Socket] = []

    def arrive() -> None:
        late.extend(world.add())
        late[0].is_stuck = True

    asyncio.get_running_loop().call_later(1, arrive)
    with captured_logs() as lines:
        await world.drain()

    assert len(late[0].finished) == 1
    assert [line["sockets"] for line in lines if line["event"] == "shutdown.closed"] == [2]


# -- commands ------------------------------------------------------------------------------------------


async def test_a_station_may_answer_a_command_before_its_socket_is_closed(world: World) -> None:
    (socket,) = world.add(answers_s=2.0)

    await world.drain()

    assert 2.0 <= socket.at <= 2.0 + STEP_S


@pytest.mark.parametrize(("grace", "seconds"), [(20, 5.0), (4, 2.8)])
async def test_a_station_that_does_not_answer_is_waited_for_five_seconds_of_the_grace_period(
    world: World, settings: Any, grace: float, seconds: float
) -> None:
    settings.SHUTDOWN_GRACE = grace
    (socket,) = world.add(answers_s=None)

    await world.drain()

    assert seconds <= socket.at <= seconds + 2 * STEP_S


async def test_the_wait_for_an_answer_begins_when_it_is_the_turn_of_the_socket(world: World) -> None:
    world.add(100)
    (last,) = world.add(answers_s=None)

    await world.drain()

    assert 6.0 <= last.at <= 6.0 + STEP_S


async def test_a_second_signal_ends_the_wait_for_an_answer(world: World) -> None:
    world.add(answers_s=None)
    asyncio.get_running_loop().call_later(1, shutdown.end_now)

    took = await world.drain()

    assert took == pytest.approx(1.0, abs=2 * STEP_S)


# -- the report ----------------------------------------------------------------------------------------


async def test_the_log_has_the_number_of_sockets_and_the_time(world: World) -> None:
    world.add(3)
    (stuck,) = world.add()
    stuck.is_stuck = True

    with captured_logs() as lines:
        await world.drain()

    (line,) = [line for line in lines if line["event"] == "shutdown.closed"]
    assert (line["sockets"], line["left"]) == (4, 1)
    assert line["seconds"] == pytest.approx(20.0, abs=2 * STEP_S)


async def test_the_log_has_the_time_in_hundredths_of_a_second(world: World, settings: Any) -> None:
    settings.SHUTDOWN_GRACE = 0.04
    world.add(3)
    for socket in world.open:
        socket.is_stuck = True

    with captured_logs() as lines:
        took = await world.drain()

    (line,) = [line for line in lines if line["event"] == "shutdown.closed"]
    assert line["seconds"] == round(took, 2) != took
