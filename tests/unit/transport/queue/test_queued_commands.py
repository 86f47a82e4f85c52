"""Commands to a station at a gateway: found by their answers, and ended without one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol.frames import CallResult
from ocpp_server.protocol.session import Answered, Late, Session
from ocpp_server.protocol.versions import V201
from ocpp_server.transport.queue import envelope, queued_commands
from ocpp_server.transport.queue.queued_commands import QueuedCalls, drop, sweep
from tests.redis_scripts import QueueBench
from tests.unit.transport.queue.command_rows import CommandRows, StateInRedis, a_command


class Calls(SimpleNamespace):
    """The queued commands of the station A in session s1, and what happens to them."""

    calls: QueuedCalls
    session: Session
    finished: list[tuple[str, str]]
    now: float


@pytest.fixture
def made(bench: QueueBench, rows: CommandRows, state: StateInRedis, monkeypatch: pytest.MonkeyPatch) -> Calls:
    now = time.monotonic()
    monkeypatch.setattr(queued_commands, "time", SimpleNamespace(monotonic=lambda: now))
    station = Station(pk=7, identity="A", version=V201)
    station.connection_id = "s1"
    session = Session(V201)
    finished: list[tuple[str, str]] = []

    async def finish(message_id: str, reply_to: str) -> None:
        finished.append((message_id, reply_to))

    async def unused(*_: Any) -> None:
        raise AssertionError("Nothing is sent and nothing is closed.")

    bench.connect("A")
    calls = QueuedCalls(bench.redis, station, session, send=unused, close=unused, finished=finish)
    return Calls(calls=calls, session=session, finished=finished, now=now)


@pytest.fixture
def unanswered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The commands that ended without an answer."""
    found: list[tuple[Any, ...]] = []

    async def end(message_id: str, *, identity: str, state: str, request: str, seconds: Any) -> None:
        found.append((identity, message_id, str(state), request, seconds))

    monkeypatch.setattr(queued_commands, "end_unanswered", end)
    return found


def in_flight(bench: QueueBench) -> Any:
    return bench.client.hget(bench.keys.pending("A"), "message_id")


# -- answers -------------------------------------------------------------------------------------------


async def test_a_command_is_sent_in_the_session_and_the_version_of_its_station(
    bench: QueueBench, made: Calls
) -> None:
    await made.calls.call(a_command())

    (text,) = bench.lists("responses:A")["responses:A"]
    sent = envelope.parse(text)
    assert (sent.charge_point_id, sent.session_id, sent.protocol) == ("A", "s1", V201)
    assert sent.frame == '[2,"c1","TriggerMessage",{"requestedMessage":"Heartbeat"}]'


async def test_an_answer_finds_its_command_with_the_time_that_is_left(bench: QueueBench, made: Calls) -> None:
    await made.calls.call(a_command())
    bench.move_clock(1500)

    assert await made.calls.prepare("c1", is_repeated=False) is True

    call = made.session.outstanding
    assert call is not None
    assert (call.id, call.action, call.payload, call.actor) == (
        "c1",
        "TriggerMessage",
        {"requestedMessage": "Heartbeat"},
        "ann",
    )
    assert (call.timeout, call.sent_at, call.expires_at) == (
        5.0,
        made.now - 1.5,
        pytest.approx(made.now + 3.5, abs=1e-6),
    )


async def test_a_command_does_not_end_while_its_answer_is_handled_for_at_most_a_minute(
    bench: QueueBench, made: Calls, unanswered: list[Any], confirmed: list[Any]
) -> None:
    await made.calls.call(a_command())
    await made.calls.prepare("c1", is_repeated=False)

    bench.move_clock(59_999)
    await sweep(bench.redis)
    assert unanswered == []

    bench.move_clock(1)
    await sweep(bench.redis)
    assert [message_id for _, message_id, *_ in unanswered] == ["c1"]


async def test_an_answer_is_stored_and_the_waiting_process_is_notified(
    bench: QueueBench, made: Calls, rows: CommandRows
) -> None:
    await made.calls.call(a_command(timeout=600))
    await made.calls.prepare("c1", is_repeated=True)
    call = made.session.outstanding
    assert call is not None
    assert made.calls.ended == ""

    await made.calls.answered(Answered(call, CallResult("c1", '{"status":"Accepted"}'), None))

    assert rows.stored[1:] == [("result", "c1", "accepted")]
    assert made.finished == [("c1", "waiter")]
    assert made.calls.ended == "c1"


async def test_a_repeated_answer_to_a_finished_command_is_only_confirmed_once_more(
    made: Calls, rows: CommandRows
) -> None:
    await made.calls.call(a_command())
    rows.finished.add("c1")

    assert await made.calls.prepare("c1", is_repeated=True) is False

    assert (made.calls.ended, made.finished) == ("c1", [("c1", "waiter")])
    assert made.session.outstanding is None


async def test_a_first_answer_is_handled_without_a_look_at_the_stored_command(
    made: Calls, rows: CommandRows
) -> None:
    await made.calls.call(a_command())
    rows.finished.add("c1")

    assert await made.calls.prepare("c1", is_repeated=False) is True

    assert made.session.outstanding is not None and made.finished == []


@pytest.mark.parametrize(("pk", "is_late"), [(7, True), (8, False)])
async def test_an_answer_after_the_end_of_its_command_is_late_only_for_the_same_station(
    made: Calls, rows: CommandRows, pk: int, is_late: bool
) -> None:
    rows.timed_out.add(("c1", pk))

    assert await made.calls.prepare("c1", is_repeated=False) is True

    event = made.session.receive('[3,"c1",{}]', made.now)
    assert isinstance(event, Late) and event.late is is_late
    assert (made.calls.ended, made.calls.has_settled) == ("", False)


async def test_a_late_answer_is_stored_with_its_command(made: Calls, rows: CommandRows) -> None:
    await made.calls.late(Late(CallResult("c1", '{"status":"Accepted"}'), "c1", late=True))

    assert rows.stored == [("late", "c1", '{"status":"Accepted"}')]


def test_a_station_has_settled_with_its_first_message(made: Calls) -> None:
    made.calls.settled()

    assert made.calls.has_settled is True


# -- ends without an answer ----------------------------------------------------------------------------


async def test_commands_of_an_earlier_connection_end_as_disconnected(
    bench: QueueBench, made: Calls, unanswered: list[Any], confirmed: list[Any]
) -> None:
    for message_id in ("c1", "c2"):
        await made.calls.call(a_command(message_id))
    bench.move_clock(1500)
    await drop(bench.redis, "A")
    assert unanswered == []

    bench.connect("A", session="s2")
    await made.calls.closed()

    request = '{"requestedMessage":"Heartbeat"}'
    assert unanswered == [
        ("A", "c1", "disconnected", request, 1.5),
        ("A", "c2", "disconnected", request, None),
    ]
    assert confirmed == [("c1", "waiter"), ("c2", "waiter")]


async def test_a_command_that_is_not_answered_in_time_ends_and_the_next_one_is_sent(
    bench: QueueBench, made: Calls, rows: CommandRows, unanswered: list[Any], confirmed: list[Any]
) -> None:
    await made.calls.call(a_command(timeout=1))
    await made.calls.call(a_command("c2"))
    bench.move_clock(1000)

    await sweep(bench.redis)

    assert unanswered == [("A", "c1", "timeout", '{"requestedMessage":"Heartbeat"}', 1.0)]
    assert confirmed == [("c1", "waiter")]
    assert rows.stored == [("sent", "c1"), ("sent", "c2")] and in_flight(bench) == "c2"


async def test_the_row_of_an_unanswered_command_gets_the_time_of_its_sending(
    bench: QueueBench, made: Calls, rows: CommandRows, confirmed: list[Any]
) -> None:
    await made.calls.call(a_command(timeout=20))
    await made.calls.call(a_command("c2", timeout=20))
    bench.move_clock(20_000)

    before = datetime.now(UTC)
    await sweep(bench.redis)

    assert rows.stored[1:] == [("unanswered", "c1", "timeout"), ("unanswered", "c2", "timeout")]
    sent_at = rows.sent_at["c1"]
    assert sent_at is not None and 0 <= (sent_at - before).total_seconds() + 20 < 10
    assert rows.sent_at["c2"] is None


async def test_a_sweep_ends_the_commands_of_at_most_100_stations_and_the_next_one_follows_soon(
    bench: QueueBench, made: Calls, unanswered: list[Any], confirmed: list[Any]
) -> None:
    await made.calls.call(a_command())
    one = bench.client.hgetall(bench.keys.pending("A"))
    with bench.client.pipeline() as pipe:
        for number in range(101):
            pipe.hset(bench.keys.pending(f"S{number:03}"), mapping=one)
            pipe.zadd(bench.keys.deadlines, {f"S{number:03}": 0})
        pipe.execute()
    bench.move_clock(5000)

    pause = await sweep(bench.redis)
    assert [identity for identity, *_ in unanswered] == [f"S{number:03}" for number in range(100)]
    assert pause == 0.05

    await sweep(bench.redis)
    assert [identity for identity, *_ in unanswered[100:]] == ["S100", "A"]


async def test_a_command_to_an_identity_that_is_not_utf_8_does_not_stop_the_sweep(
    bench: QueueBench, made: Calls, unanswered: list[Any], confirmed: list[Any]
) -> None:
    await made.calls.call(a_command())
    odd = b"\xff"
    pending = bench.keys.pending("").encode() + odd
    bench.client.hset(pending, mapping=bench.client.hgetall(bench.keys.pending("A")))
    bench.client.zadd(bench.keys.deadlines, {odd: 0})
    bench.move_clock(4000)
    bench.client.hset(pending, "deadline", "0")

    await sweep(bench.redis)

    assert [identity for identity, *_ in unanswered] == ["\ufffd"]


@pytest.mark.parametrize(
    ("left_ms", "pause"),
    [(None, 0.5), (49, 0.05), (51, 0.051), (250, 0.25), (499, 0.499), (501, 0.5), (60_000, 0.5)],
)
async def test_the_next_sweep_is_at_the_next_deadline_but_after_a_twentieth_to_half_a_second(
    bench: QueueBench, made: Calls, left_ms: int | None, pause: float
) -> None:
    if left_ms is not None:
        bench.client.zadd(bench.keys.deadlines, {"later": bench.now_ms + left_ms})
        bench.client.hset(bench.keys.pending("later"), mapping={"message_id": "x"} | still_open(bench))

    assert await sweep(bench.redis) == pytest.approx(pause, abs=1e-9)


def still_open(bench: QueueBench) -> dict[str, str]:
    """The fields of a command whose answer is being handled."""
    return {"session_id": "", "deadline": str(bench.now_ms + 1), "answering": str(bench.now_ms + 1)}
