"""Commands that end without an answer: those that restart their station, and those of other processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from ocpp_server.observability import measures
from ocpp_server.protocol.versions import V201
from ocpp_server.transport.command_results import end_unanswered
from tests.logged import captured_logs
from tests.unit.transport.clock import Clock
from tests.unit.transport.commands.desk import Desk, event_of, is_now

MakeDesk = Callable[..., Desk]


async def test_a_reset_that_drops_the_connection_waits_for_the_boot(clock: Clock, desk: Desk) -> None:
    await desk.call("c1", "Reset", payload={"type": "Hard"})
    await asyncio.sleep(3)

    await desk.connection.closed()

    columns = desk.results["c1"]
    assert (columns["state"], columns["effect"], columns["finished_at"]) == ("sent", "waiting", None)
    assert columns["effect_until"] - columns["sent_at"] == timedelta(minutes=10, seconds=3)
    assert is_now(columns["sent_at"])
    assert desk.events == [] and measures.commands.counts() == {}
    assert desk.of("finished") == [("finished", "c1", "caller of c1")]
    (row,) = desk.messages
    assert (row["error_code"], row["duration_ms"]) == ("disconnected", 3000.0)


async def test_a_reset_that_times_out_has_ended_and_its_boot_is_noted(clock: Clock, desk: Desk) -> None:
    await desk.call("c1", "Reset", payload={"type": "Hard"}, timeout=5.0)
    await asyncio.sleep(5.25)

    columns = desk.results["c1"]
    assert (columns["state"], columns["effect"]) == ("timeout", "waiting")
    assert is_now(columns["finished_at"]) and event_of(desk)["state"] == "timeout"


async def test_a_reset_that_was_not_sent_is_disconnected(desk: Desk) -> None:
    await desk.call("c1")
    await desk.call("c2", "Reset", payload={"type": "Hard"})

    await desk.connection.closed()

    assert "effect" not in desk.results["c2"] and desk.states["c2"] == "disconnected"
    assert [orjson.loads(row["data"])["durationMs"] for row in desk.events] == [0.0, None]
    assert [row["duration_ms"] for row in desk.messages] == [0.0, None]
    assert measures.commands.counts() == {("ClearCache", "disconnected"): 1, ("Reset", "disconnected"): 1}


async def test_the_reset_of_one_evse_has_no_boot(make_desk: MakeDesk) -> None:
    desk = make_desk(V201)
    await desk.receives(2, "first", "Heartbeat", {})
    await desk.call("c1", "Reset", payload={"type": "Immediate", "evseId": 1})

    await desk.connection.closed()

    assert desk.states == {"c1": "disconnected"} and "effect" not in desk.results["c1"]


# --- a command of any process -------------------------------------------------------------------------------


async def end(desk: Desk, seconds: float | None, ended: Any) -> None:
    """End a Reset that was not answered; `ended` is what the store says about it."""
    desk.ended = ended
    await end_unanswered("c1", identity="CP-1", state="timeout", request='{"type":"Hard"}', seconds=seconds)


def a_reset(*, awaits_boot: bool = False) -> Any:
    return SimpleNamespace(pk=3, action="Reset", awaits_boot=awaits_boot)


@pytest.mark.parametrize("seconds", [None, 3.0])
async def test_a_command_of_another_process_ends_with_its_message_and_is_counted(
    desk: Desk, seconds: float | None
) -> None:
    with captured_logs() as lines:
        await end(desk, seconds, a_reset())

    ((_, id, state, at, more),) = desk.of("ended")
    assert (id, state) == ("c1", "timeout") and is_now(at)
    assert more == {"sent_at": None if seconds is None else at - timedelta(seconds=3)}
    (row,) = desk.messages
    assert (row["charge_point_id"], row["message_id"], row["action"]) == (3, "c1", "Reset")
    assert (row["request"], row["response"], row["error_code"]) == ('{"type":"Hard"}', "", "timeout")
    assert row["duration_ms"] == (None if seconds is None else 3000.0)
    assert measures.commands.counts() == {("Reset", "timeout"): 1}
    assert [line["event"] for line in lines] == ["command.finished"]


async def test_a_command_of_another_process_that_waits_for_a_boot_has_not_ended(desk: Desk) -> None:
    with captured_logs() as lines:
        await end(desk, 3.0, a_reset(awaits_boot=True))

    assert len(desk.messages) == 1 and measures.commands.counts() == {}
    assert [line["event"] for line in lines] == ["command.awaits_boot"]


async def test_a_command_of_another_process_that_has_ended_before_ends_once(desk: Desk) -> None:
    await end(desk, 3.0, None)

    assert desk.messages == [] and measures.commands.counts() == {}
