"""The frames of a station at a gateway: numbered, and read only as fast as they are pushed and handled."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_server.transport.queue import envelope
from tests.unit.transport.gateway.world import Station, call
from tests.unit.transport.instant import skip_waits


async def test_a_new_socket_has_nothing_to_push_and_is_read() -> None:
    socket = Station().socket

    assert (socket.fence, socket.outbox, socket.first, socket.ended) == ("", [], 1, None)
    assert socket.must_refresh is False
    assert not socket.is_stopped
    assert not socket.is_leaving
    assert not socket.is_awaited


async def test_frames_are_pushed_in_envelopes_with_rising_numbers() -> None:
    station = Station("A", "s1")

    station.says(call("1"), "no JSON")

    assert [(one.frame, one.seq) for one in station.pushed.envelopes] == [(call("1"), 1), ("no JSON", 2)]
    assert {
        (one.charge_point_id, one.session_id, one.ws_server_id, one.protocol)
        for one in station.pushed.envelopes
    } == {("A", "s1", "gw", "ocpp1.6")}


# -- the window ----------------------------------------------------------------------------------------


async def test_a_socket_is_not_read_while_16_frames_are_not_pushed() -> None:
    station = Station()

    station.says(*map(call, "abcdefghijklmno"))
    assert not station.socket.is_stopped
    station.says(call("p"))

    assert station.socket.is_stopped


async def test_a_pushed_frame_opens_the_window_again() -> None:
    station = Station()
    station.says(*[call("m")] * 17)

    station.socket.pushed(1, 0)
    assert station.socket.is_stopped
    station.socket.pushed(1, 0)

    assert not station.socket.is_stopped


# -- the queue -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "is_stopped"),
    [
        ([50], False),
        ([51], True),
        ([51, 50], True),
        ([51, 25], True),
        ([51, 24], False),
        ([51, 24, 50], False),
        ([51, 24, 51], True),
    ],
)
async def test_a_socket_is_not_read_from_51_messages_in_its_queue_until_24_are_left(
    lengths: list[int], is_stopped: bool
) -> None:
    station = Station()

    for length in lengths:
        station.socket.queue_has(length)

    assert station.socket.is_stopped is is_stopped


async def test_a_push_reports_the_length_of_the_queue() -> None:
    station = Station()
    station.says(call("m"))

    station.socket.pushed(1, 51)

    assert station.socket.is_stopped


async def test_a_short_queue_does_not_open_a_full_window() -> None:
    station = Station()
    station.says(*[call("m")] * 16)

    station.socket.queue_has(0)

    assert station.socket.is_stopped


@pytest.mark.parametrize("length", [0, 500])
async def test_a_queue_of_500_messages_does_not_close_the_socket(length: int) -> None:
    station = Station()

    station.socket.pushed(0, length)

    assert not station.socket.is_leaving
    assert station.pushed.envelopes == []


async def test_a_longer_queue_closes_the_socket_once_and_marks_the_end_in_the_queue() -> None:
    station = Station("A", "s1")

    station.socket.pushed(0, 501)
    station.socket.pushed(0, 502)
    await asyncio.sleep(0)

    assert [
        (one.event, one.charge_point_id, one.session_id, one.ws_server_id, one.protocol, one.reason)
        for one in station.pushed.envelopes
    ] == [(envelope.OVERFLOW, "A", "s1", "gw", "ocpp1.6", "The queue is too long.")]
    assert station.sent == [(1013, "Too many messages wait; try again later.")]


async def test_a_closing_socket_is_read_until_its_end() -> None:
    station = Station()
    station.says(*[call("m")] * 16)

    station.socket.close_soon(1000, "")
    assert not station.socket.is_stopped
    station.socket.queue_has(51)

    assert not station.socket.is_stopped


# -- waiting -------------------------------------------------------------------------------------------


async def test_a_socket_that_is_read_waits_for_nothing() -> None:
    assert await Station(lost=lambda: True).socket.flowing() is True


async def test_a_stopped_socket_waits_until_it_may_be_read() -> None:
    station = Station()
    station.says(*[call("m")] * 16)

    waiting = asyncio.create_task(station.socket.flowing())
    await asyncio.sleep(0)
    assert not waiting.done()
    station.socket.pushed(1, 0)

    assert await waiting is True


async def test_a_lost_connection_ends_the_wait_after_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = skip_waits(monkeypatch, only_jumps=True)
    station = Station(lost=lambda: True)
    station.socket.queue_has(51)
    began = loop.time()

    assert await station.socket.flowing() is False

    assert loop.time() - began == pytest.approx(5)


async def test_a_connection_that_is_not_lost_is_waited_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    loop = skip_waits(monkeypatch, only_jumps=True)
    station = Station(lost=lambda: next(answers))
    station.socket.queue_has(51)
    began = loop.time()

    assert await station.socket.flowing() is False

    assert loop.time() - began == pytest.approx(10)


async def test_without_a_report_of_the_server_no_connection_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = skip_waits(monkeypatch, only_jumps=True)
    station = Station()
    station.socket.queue_has(51)
    loop.call_later(6, station.socket.queue_has, 0)

    assert await station.socket.flowing() is True
