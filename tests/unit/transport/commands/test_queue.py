"""The queue of commands to one station: when each is sent, and that each ends."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ocpp_server.storage.journal import JournalUnavailable
from tests.logged import captured_logs
from tests.unit.transport.clock import Clock
from tests.unit.transport.commands.desk import Desk

MakeDesk = Callable[..., Desk]


# --- the first message --------------------------------------------------------------------------------------


async def test_commands_wait_for_the_first_message_and_not_longer_than_half_a_minute(
    clock: Clock, make_desk: MakeDesk
) -> None:
    desk = make_desk()
    await desk.call("c1", timeout=60.0)
    await desk.call("c2", timeout=60.0)

    await asyncio.sleep(29.75)
    assert desk.sent == []
    await asyncio.sleep(0.5)
    assert desk.sent == ["c1"]
    await desk.answers("c1")

    assert desk.sent == ["c1", "c2"]


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_a_station_that_is_not_accepted_gets_nothing_before_its_first_message(
    clock: Clock, make_desk: MakeDesk, status: str
) -> None:
    desk = make_desk()
    desk.station.registration_status = status
    # The state at the connection decides.
    desk.connect()
    await desk.call("c1", timeout=3600.0)

    await asyncio.sleep(3000)
    assert (desk.sent, desk.results) == ([], {})
    await asyncio.sleep(601)

    assert desk.states == {"c1": "timeout"}
    assert "not sent in time" in desk.results["c1"]["error_description"]
    assert clock.timers() == 0


async def test_a_command_ends_at_its_deadline_with_the_reason_when_nothing_may_be_sent(
    clock: Clock, make_desk: MakeDesk
) -> None:
    desk = make_desk()
    await desk.call("c1", timeout=10.0)
    await desk.call("c2", timeout=20.0)

    await asyncio.sleep(10.25)
    ended = dict(desk.states)
    await desk.receives(2, "m1", "Heartbeat", {})
    await asyncio.sleep(0)

    assert ended == {"c1": "timeout"}
    assert "boot or to send another message first" in desk.results["c1"]["error_description"]
    assert desk.of("finished") == [("finished", "c1", "caller of c1")]
    assert desk.sent == ["c2"]


async def test_the_first_message_sends_the_commands_that_wait_in_their_order(
    clock: Clock, make_desk: MakeDesk
) -> None:
    desk = make_desk()
    for id in ("c1", "c2", "c3"):
        await desk.call(id)

    await desk.receives(2, "m1", "Heartbeat", {})
    await desk.receives(2, "m2", "Heartbeat", {})
    for id in ("c1", "c2", "c3"):
        await asyncio.sleep(0)
        await desk.answers(id)

    assert desk.sent == ["c1", "c2", "c3"]
    assert (clock.now, clock.timers()) == (0, 0)


# --- one after the other ------------------------------------------------------------------------------------


async def test_a_command_is_sent_when_the_one_before_it_is_answered(desk: Desk) -> None:
    await desk.call("c1")
    await desk.call("c2")
    assert desk.sent == ["c1"]

    await desk.answers("c1")

    # The next one does not wait until the answer is stored.
    kinds = [(entry[0], entry[1][1] if entry[0] == "sent" else entry[1]) for entry in desk.log]
    assert kinds == [
        ("sent", "c1"),
        ("marked", "c1"),
        ("sent", "c2"),
        ("marked", "c2"),
        ("stored", "c1"),
        ("finished", "c1"),
    ]


async def test_a_frame_has_the_id_the_action_and_the_payload_of_its_command(desk: Desk) -> None:
    await desk.call("c1", "Reset", payload={"type": "Soft"})

    ((_, frame),) = desk.of("sent")
    ((_, id, at),) = desk.of("marked")
    assert frame == [2, "c1", "Reset", {"type": "Soft"}]
    assert id == "c1" and abs(datetime.now(UTC) - at) < timedelta(minutes=1)


async def test_a_command_times_out_after_its_seconds_and_the_next_one_is_sent_first(
    clock: Clock, desk: Desk
) -> None:
    await desk.call("c1", timeout=5.0)
    await desk.call("c2", timeout=60.0)
    await asyncio.sleep(4.75)
    assert desk.results == {} and desk.sent == ["c1"]

    await asyncio.sleep(0.5)

    assert desk.states == {"c1": "timeout"}
    assert desk.log[-4][:2] == ("sent", [2, "c2", "ClearCache", {}])
    assert desk.log[-2:] == [("stored", "c1"), ("finished", "c1", "caller of c1")]


async def test_a_command_that_waits_longer_than_its_seconds_is_not_sent_any_more(
    clock: Clock, desk: Desk
) -> None:
    await desk.call("c1", timeout=60.0)
    await desk.call("c2", timeout=5.0)

    await asyncio.sleep(5.25)
    assert desk.states == {"c2": "timeout"}
    await desk.answers("c1")

    assert desk.sent == ["c1"]
    assert desk.states == {"c2": "timeout", "c1": "accepted"}


@pytest.mark.parametrize(("timeout", "is_sent"), [(30.0, False), (30.25, True)])
async def test_a_command_whose_seconds_are_over_before_the_first_message_is_not_sent(
    make_desk: MakeDesk, timeout: float, is_sent: bool
) -> None:
    desk = make_desk()
    await desk.call("c1", timeout=timeout)

    await asyncio.sleep(30.125)

    assert desk.sent == (["c1"] if is_sent else [])
    assert desk.states == ({} if is_sent else {"c1": "timeout"})


async def test_a_command_may_be_answered_in_all_of_its_seconds_after_it_has_waited(
    clock: Clock, desk: Desk
) -> None:
    await desk.call("c1", timeout=4.0)
    await desk.call("c2", timeout=5.0)
    await asyncio.sleep(8.75)

    await desk.answers("c2", {})

    assert desk.states == {"c1": "timeout", "c2": "late"}


async def test_beyond_64_waiting_commands_one_more_ends_at_once(desk: Desk) -> None:
    for number in range(66):
        await desk.call(f"c{number}")

    assert (desk.sent, desk.states) == (["c0"], {"c65": "error"})
    refused = desk.results["c65"]
    assert refused["error_code"] == "QueueFull"
    assert refused["error_description"] == "Too many commands are waiting for this station."
    assert desk.of("finished") == [("finished", "c65", "caller of c65")]


# --- the end ------------------------------------------------------------------------------------------------


async def test_a_closed_connection_ends_all_commands_in_their_order(clock: Clock, desk: Desk) -> None:
    for id in ("c1", "c2", "c3"):
        await desk.call(id)

    await desk.connection.closed()

    assert desk.states == dict.fromkeys(("c1", "c2", "c3"), "disconnected")
    assert [entry[1] for entry in desk.of("finished")] == ["c1", "c2", "c3"]
    assert clock.timers() == 0


async def test_a_connection_that_closes_before_its_first_message_sends_nothing(
    clock: Clock, make_desk: MakeDesk
) -> None:
    desk = make_desk()
    await desk.call("c1")

    await desk.connection.closed()
    await desk.receives(2, "m1", "Heartbeat", {})
    await asyncio.sleep(20)

    assert (desk.sent, desk.states) == ([], {"c1": "disconnected"})
    assert len(desk.of("finished")) == 1


async def test_a_closed_connection_without_commands_has_no_timers(clock: Clock, make_desk: MakeDesk) -> None:
    await make_desk().connection.closed()

    assert clock.timers() == 0


async def test_a_command_over_a_closed_connection_ends_as_disconnected(desk: Desk) -> None:
    await desk.connection.closed()

    await desk.call("c1")

    assert (desk.sent, desk.states) == ([], {"c1": "disconnected"})


async def test_an_end_that_can_not_be_stored_closes_the_socket(desk: Desk) -> None:
    desk.errors = [JournalUnavailable("away")]
    await desk.call("c1", timeout=5.0)

    await asyncio.sleep(5.25)

    assert desk.of("closed") == [("closed", 1013, "The database is away; try again later.")]
    assert desk.of("finished") == []


async def test_a_command_that_fails_in_the_background_is_logged_and_closes_nothing(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk()
    desk.send_error = LookupError("a bug")
    await desk.call("c1", timeout=60.0)

    with captured_logs() as lines:
        await asyncio.sleep(30.25)

    assert [line["station"] for line in lines if line["event"] == "connection.failed"] == ["CP-1"]
    assert desk.of("closed") == []


async def test_a_command_is_not_forgotten_while_its_end_is_being_stored(desk: Desk) -> None:
    before = asyncio.all_tasks()
    await desk.call("c1", timeout=5.0)
    desk.gate = asyncio.get_running_loop().create_future()
    wait = weakref.ref(desk.gate)
    await asyncio.sleep(5.25)
    (task,) = map(weakref.ref, asyncio.all_tasks() - before)

    # The event loop has weak references to its tasks only.
    desk.gate = None
    gc.collect(1)
    held = wait()
    assert held is not None
    held.set_result(None)
    del held
    await asyncio.sleep(0.25)
    gc.collect(1)

    assert desk.states == {"c1": "timeout"}
    assert task() is None
