"""The checks of a gateway on its sockets: stations that wait too long, and stations that are silent."""

from __future__ import annotations

import pytest

from tests.unit.transport.gateway.world import Clock, Station, call, result

# -- stations that wait --------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "is_overdue"), [(0.99, False), (1.0, True), (1.5, True)])
async def test_a_call_is_overdue_after_a_second(clock: Clock, seconds: float, is_overdue: bool) -> None:
    station = Station()

    station.says(call("1"))

    assert station.socket.is_overdue(clock.now + seconds) is is_overdue


async def test_a_second_call_does_not_begin_the_wait_again(clock: Clock) -> None:
    station = Station()
    station.says(call("1"))
    clock.now += 0.9
    station.says(call("2"))

    assert station.socket.is_overdue(clock.now + 0.1)


@pytest.mark.parametrize("answer", [result("1"), '[4,"1","GenericError","",{}]'])
async def test_an_answer_begins_the_wait_for_the_next_one(clock: Clock, answer: str) -> None:
    station = Station()
    station.says(call("1"), call("2"))
    clock.now += 0.9

    await station.deliver(answer)

    assert not station.socket.is_overdue(clock.now + 0.9)
    assert station.socket.is_overdue(clock.now + 1.0)


@pytest.mark.parametrize("says", [[], [call("1")], [result("c1")]])
async def test_a_station_without_open_calls_is_never_overdue(clock: Clock, says: list[str]) -> None:
    station = Station()

    station.says(*says)
    await station.deliver(result("1"))

    assert not station.socket.is_overdue(clock.now + 60)


async def test_a_command_does_not_answer_a_call(clock: Clock) -> None:
    station = Station()
    station.says(call("1"))

    await station.deliver(call("c1"))

    assert station.socket.is_overdue(clock.now + 1)


async def test_a_station_whose_queue_is_too_long_is_overdue(clock: Clock) -> None:
    station = Station()

    station.socket.queue_has(51)

    assert station.socket.is_overdue(clock.now)


# -- silent stations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "is_silent"), [(60, False), (60.1, True)])
async def test_a_station_is_silent_after_the_allowed_time(
    clock: Clock, seconds: float, is_silent: bool
) -> None:
    station = Station()

    assert station.socket.is_silent(clock.now + seconds) is is_silent


async def test_a_frame_ends_the_silence(clock: Clock) -> None:
    station = Station()
    clock.now += 60
    station.says(call("1"))

    assert not station.socket.is_silent(clock.now + 60)


@pytest.mark.parametrize(("pong_s", "is_silent"), [(1.0, False), (60.0, False), (60.1, True)])
async def test_a_pong_ends_the_silence(clock: Clock, pong_s: float, is_silent: bool) -> None:
    station = Station(silence=lambda: pong_s)

    assert station.socket.is_silent(clock.now + 100) is is_silent


async def test_a_socket_that_is_not_read_is_not_silent(clock: Clock) -> None:
    station = Station(silence=lambda: 100.0, ping=lambda: None)

    station.socket.queue_has(51)

    assert not station.socket.is_silent(clock.now + 100)
    assert station.socket.silence_s() == 0.0


async def test_the_silence_is_that_of_the_http_server() -> None:
    assert Station(silence=lambda: 7.5, ping=lambda: None).socket.silence_s() == 7.5


@pytest.mark.parametrize("missing", ["silence", "ping"])
async def test_the_silence_is_unknown_where_the_server_reports_or_pings_nothing(missing: str) -> None:
    extensions = {"silence": lambda: 7.5, "ping": lambda: None}
    del extensions[missing]

    assert Station(**extensions).socket.silence_s() is None


async def test_a_ping_is_sent_where_the_server_can() -> None:
    pings: list[int] = []

    Station(ping=lambda: pings.append(1)).socket.ping()
    Station().socket.ping()

    assert pings == [1]
