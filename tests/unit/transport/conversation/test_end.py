"""One message after the other, and how a connection ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.storage.journal import journal
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.messages import StationCall
from tests.unit.transport.clock import Clock
from tests.unit.transport.conversation.line import (
    COUNTERS,
    STATUS,
)


async def test_messages_are_handled_in_order_and_none_after_the_connection_was_replaced(line: Any) -> None:
    one = line()
    assert one.connection.is_replaced is False
    one.send_gate = asyncio.Event()
    first = asyncio.ensure_future(one.heartbeat("m1"))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(one.heartbeat("m2"))
    await asyncio.sleep(0)
    assert [entry[1][1] for entry in one.log if entry[0] == "sent"] == ["m1"]

    ending = asyncio.ensure_future(one.connection.replace())
    await asyncio.sleep(0)
    one.send_gate.set()
    await asyncio.gather(first, second, ending)
    await one.heartbeat("m3")

    assert [entry[1][1] for entry in one.log if entry[0] == "sent"] == ["m1"]
    assert one.log[-1] == ("closed", 1001, "Replaced by a newer connection.")
    assert one.connection.is_replaced and one.kinds.count("closed") == 1


async def test_a_station_that_does_not_read_its_answer_is_closed_after_a_second(
    line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    one = line()
    one.send_gate = asyncio.Event()
    message = asyncio.ensure_future(one.heartbeat("m1"))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(5, one.send_gate.set)

    ending = asyncio.ensure_future(one.connection.finish(1012, "Restart."))
    await asyncio.sleep(0.99)
    assert "closed" not in one.kinds
    await asyncio.sleep(0.02)
    assert one.log[-1] == ("closed", 1012, "Restart.")
    assert not ending.done()
    await asyncio.gather(message, ending)

    assert clock.now == 5
    assert one.kinds.count("closed") == 2


async def test_a_message_that_is_still_being_stored_may_take_longer(
    line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    loop = asyncio.get_running_loop()
    one, stored = line(), loop.create_future()
    monkeypatch.setattr(journal, "commit", lambda unit: unit.clear() or stored)
    message = asyncio.ensure_future(one.status())
    await asyncio.sleep(0)
    loop.call_later(5, stored.set_result, None)

    await asyncio.gather(message, one.connection.finish(1012, "Restart."))

    assert one.kinds[:1] == ["sent"] and one.kinds.count("closed") == 1


async def test_a_job_waits_for_the_message_and_is_undone_when_it_fails(line: Any) -> None:
    one = line()
    one.send_gate = asyncio.Event()
    message = asyncio.ensure_future(one.heartbeat())
    await asyncio.sleep(0)

    async def job(station: Station, work: UnitOfWork) -> None:
        assert station is one.station and isinstance(work, UnitOfWork)
        one.log.append(("job",))
        station.unit.insert(COUNTERS, name="a", value=1)
        raise LookupError

    working = asyncio.ensure_future(one.connection.between_messages(job))
    await asyncio.sleep(0)
    assert "job" not in one.kinds
    one.send_gate.set()
    await message
    with pytest.raises(LookupError):
        await working

    assert one.kinds[-1] == "job" and not one.station.unit
    await one.heartbeat("m2")


@pytest.mark.parametrize(
    ("before", "after_it", "is_now"),
    [("Pending", "Accepted", True), ("Accepted", "Accepted", False), ("Accepted", "Rejected", False)],
)
async def test_a_change_of_settings_tells_whether_it_accepted_the_station(
    line: Any, before: str, after_it: str, is_now: bool
) -> None:
    one = line()
    one.station.registration_status, one.fresh.registration_status = before, after_it

    assert await one.connection.changed() is is_now
    assert (one.station.registration_status, one.loads) == (after_it, 1)


@pytest.mark.parametrize(
    ("last_seen_s", "pong_s", "is_silent"),
    [
        (59, None, False),
        (61, None, True),
        (61, 59.0, False),
        (61, 60.0, False),
        (61, 60.1, True),
        (59, 90.0, False),
    ],
)
async def test_a_station_is_silent_without_messages_and_pongs(
    line: Any, last_seen_s: int, pong_s: float | None, is_silent: bool
) -> None:
    one = line(silence=None if pong_s is None else lambda: pong_s)
    one.station.last_seen_at = datetime.now(UTC) - timedelta(seconds=last_seen_s)

    assert one.connection.is_silent(timedelta(seconds=60)) is is_silent


async def test_pings_and_their_silence_need_a_server_that_has_both(line: Any) -> None:
    pinged: list[bool] = []
    both = line(silence=lambda: 2.5, ping=lambda: pinged.append(True))

    both.connection.ping()
    line().connection.ping()

    assert (both.connection.silence_s(), pinged) == (2.5, [True])
    assert line(silence=lambda: 2.5).connection.silence_s() is None
    assert line(ping=lambda: None).connection.silence_s() is None


async def test_commands_and_the_end_go_to_the_queue_of_commands(line: Any) -> None:
    one = line()

    await one.connection.call(
        StationCall(identity="CP-1", id="c1", action="Reset", payload={}, timeout=1, reply_to="x")
    )
    await one.connection.dismiss(1008, "Removed.")
    await one.connection.closed()

    assert one.log == [("call", "c1"), ("closed", 1008, "Removed."), ("ended",)]


async def test_the_answers_to_a_station_outlive_its_connection(line: Any) -> None:
    first = line()
    frame = (2, "m1", "StatusNotification", STATUS)
    await first.say(*frame)
    second = line()
    second.station.memory = first.station.memory
    second.connection = StationConnection(
        second.station,
        send=second._send,
        close=second._close,
        finished=second._finished,
        outgoing=lambda *_, **__: second,
    )

    await second.say(*frame)

    assert second.kinds == ["sent"]
