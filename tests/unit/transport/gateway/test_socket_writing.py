"""The messages to a station at a gateway: sent in order, and kept only while the station reads."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.transport.queue import envelope
from tests.unit.transport.gateway.world import Station, result, settle


async def test_an_answer_is_sent_before_the_delivery_returns() -> None:
    station = Station()

    await station.deliver(result("1"))

    assert station.sent == [result("1")]


async def test_answers_before_the_end_of_the_handshake_are_sent_after_it_in_order() -> None:
    station = Station(is_open=False)
    await station.deliver(result("1"), result("2"))
    await settle()
    assert station.sent == []

    station.socket.opened()
    await settle()

    assert station.sent == [result("1"), result("2")]


async def test_a_station_that_does_not_read_blocks_no_delivery() -> None:
    station = Station(writable=lambda: False)
    station.line.gate.clear()

    delivery = asyncio.create_task(station.deliver(result("1"), result("2")))
    await settle()

    assert delivery.done()
    assert station.sent == []
    station.line.gate.set()
    await settle()
    assert station.sent == [result("1"), result("2")]


async def test_an_answer_waits_behind_those_that_are_being_written() -> None:
    can_write = False
    station = Station(writable=lambda: can_write)
    station.line.gate.clear()
    await station.deliver(result("1"))
    await settle()

    can_write = True
    delivery = asyncio.create_task(station.deliver(result("2")))
    await settle()
    assert delivery.done()
    station.line.gate.set()
    await settle()

    assert station.sent == [result("1"), result("2")]


async def test_a_station_that_reads_again_is_written_to_again() -> None:
    station = Station(writable=lambda: False)
    await station.deliver(result("1"))
    await settle()

    await station.deliver(result("2"))
    await settle()

    assert station.sent == [result("1"), result("2")]


async def test_256_messages_wait_for_a_station_that_does_not_read() -> None:
    station = Station(is_open=False)
    texts = [result(str(number)) for number in range(256)]
    await station.deliver(*texts)

    station.socket.opened()
    await asyncio.sleep(0)

    assert station.sent == texts


async def test_with_one_more_message_the_station_is_disconnected_and_gets_none_of_them() -> None:
    station = Station(is_open=False)
    await station.deliver(*[result("m")] * 257)

    station.socket.opened()
    await settle()

    assert station.sent == [(1008, "The station does not read its messages.")]


@pytest.mark.parametrize(("session", "is_sent"), [("s1", True), ("", True), ("s0", False)])
async def test_an_answer_to_another_session_is_dropped(session: str, is_sent: bool) -> None:
    station = Station("A", "s1")

    await station.deliver(result("1"), session_id=session)

    assert bool(station.sent) is is_sent


@pytest.mark.parametrize(
    ("fields", "closed"),
    [({"code": 4000, "reason": "Go."}, (4000, "Go.")), ({"reason": "Go."}, (1000, "Go."))],
)
async def test_the_server_closes_a_socket_with_its_code_and_reason(
    fields: dict[str, Any], closed: tuple[int, str]
) -> None:
    station = Station()

    await station.control(envelope.CLOSE, **fields)
    await settle()

    assert station.sent == [closed]


async def test_an_unknown_control_of_the_server_changes_nothing() -> None:
    station = Station()

    await station.control("later version")
    await station.deliver(result("1"))

    assert station.sent == [result("1")]


@pytest.mark.parametrize("error", [OSError("broken pipe"), RuntimeError("after the close")])
async def test_an_error_of_a_closing_socket_ends_no_delivery(error: Exception) -> None:
    station = Station()
    station.line.error = error

    await station.deliver(result("1"))
    station.socket.close_soon(1000, "")
    await settle()

    station.line.error = None
    await station.deliver(result("2"))
    assert station.sent == []


async def test_waiting_messages_are_sent_before_the_close_and_none_after_it() -> None:
    station = Station(is_open=False)
    await station.deliver(result("1"))
    station.socket.close_soon(1001, "The end.")

    station.socket.opened()
    await settle()
    await station.deliver(result("2"))

    assert station.sent == [result("1"), (1001, "The end.")]


async def test_a_socket_that_was_closed_during_the_handshake_is_closed_after_it() -> None:
    station = Station(is_open=False)
    station.socket.close_soon(1001, "The end.")
    await settle()
    assert station.sent == []

    station.socket.opened()
    await settle()

    assert station.sent == [(1001, "The end.")]


async def test_the_first_of_several_closes_counts() -> None:
    station = Station()

    station.socket.close_soon(1001, "first")
    await settle()
    station.socket.close_soon(1002, "second")
    await settle()

    assert station.sent == [(1001, "first")]
