"""The end of a socket at a gateway, and the answers that it still waits for."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.logged import captured_logs
from tests.unit.transport.gateway.world import Station, call, result, settle
from tests.unit.transport.instant import skip_waits


async def test_a_replaced_socket_is_closed_and_logged_once() -> None:
    station = Station("A", "s1")

    with captured_logs() as lines:
        station.socket.replaced()
        station.socket.replaced()
        await settle()

    assert station.sent == [(1001, "Replaced by a newer connection.")]
    replaced = [line for line in lines if line["event"] == "station.replaced"]
    assert [(line["station"], line["session"]) for line in replaced] == [("A", "s1")]


async def test_a_socket_that_has_ended_is_not_logged_as_replaced() -> None:
    station = Station()
    station.socket.ended = "The socket was closed with 1000."

    with captured_logs() as lines:
        station.socket.replaced()

    assert "station.replaced" not in [line["event"] for line in lines]


async def test_a_socket_that_is_closing_is_not_logged_as_replaced() -> None:
    station = Station()
    station.socket.close_soon(1000, "")

    with captured_logs() as lines:
        station.socket.replaced()

    assert "station.replaced" not in [line["event"] for line in lines]


async def test_a_socket_whose_frames_cannot_be_pushed_is_closed_with_the_reason() -> None:
    station = Station()

    station.socket.failed("Messages cannot be stored.")
    await settle()

    assert station.sent == [(1011, "Messages cannot be stored.")]
    assert station.socket.is_leaving


# -- the last answers ----------------------------------------------------------------------------------


async def test_a_finishing_socket_without_calls_is_closed_at_once() -> None:
    station = Station()

    await station.socket.finish(1001, "The server is going away.")
    await settle()

    assert station.sent == [(1001, "The server is going away.")]


@pytest.mark.parametrize("answer", ['[3,"{}",{{}}]', '[4,"{}","GenericError","",{{}}]'])
async def test_a_finishing_socket_waits_for_the_answers_to_all_received_calls(answer: str) -> None:
    station = Station()
    station.says(call("1"), call("2"))

    finishing = asyncio.create_task(station.socket.finish(1001, "The end."))
    await settle()
    assert station.socket.is_leaving
    await station.deliver(answer.format("1"))
    await settle()
    assert not finishing.done()
    await station.deliver(answer.format("2"))
    await settle()

    assert finishing.done()
    assert station.sent == [answer.format("1"), answer.format("2"), (1001, "The end.")]


async def test_calls_that_were_answered_before_do_not_end_the_wait() -> None:
    station = Station()
    station.says(call("1"))
    await station.deliver(result("1"))
    station.says(call("2"))

    finishing = asyncio.create_task(station.socket.finish(1001, "The end."))
    await settle()
    assert not finishing.done()
    await station.deliver(result("2"))
    await settle()
    assert finishing.done()


async def test_a_finishing_socket_waits_for_answers_five_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = skip_waits(monkeypatch, only_jumps=True)
    station = Station()
    station.says(call("1"))
    began = loop.time()

    await station.socket.finish(1001, "The end.")
    took = loop.time() - began
    await settle()

    assert took == pytest.approx(5)
    assert station.sent == [(1001, "The end.")]


# -- commands ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "is_awaited"), [(result("c1"), False), (result("c0"), True), (call("c1"), True)]
)
async def test_a_command_is_awaited_until_the_station_answers_it(said: str, is_awaited: bool) -> None:
    station = Station()

    await station.deliver('[2,"c1","Reset",{"type":"Soft"}]')
    assert station.socket.is_awaited
    station.says(said)

    assert station.socket.is_awaited is is_awaited


async def test_an_answer_to_the_station_is_not_awaited() -> None:
    station = Station()

    await station.deliver(result("c1"))

    assert not station.socket.is_awaited


async def test_a_server_that_does_not_name_the_message_is_understood() -> None:
    station = Station()
    station.says(call("s1"))

    await station.socket.deliver(b'{"charge_point_id":"A","payload":[2,"c1","Reset",{}]}')
    assert station.socket.is_awaited
    assert station.socket.is_overdue(time.monotonic() + 1)

    await station.socket.deliver(b'{"charge_point_id":"A","payload":[3,"s1",{}]}')
    assert not station.socket.is_overdue(time.monotonic() + 1)
    assert station.sent == ['[2,"c1","Reset",{}]', '[3,"s1",{}]']
