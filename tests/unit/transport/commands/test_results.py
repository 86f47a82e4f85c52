"""The result of a command: its row, its message, its event, and the notice to the process that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.observability import measures
from ocpp_server.protocol import registry
from ocpp_server.protocol.dispatch import CommitRefused
from ocpp_server.protocol.versions import V21
from ocpp_server.storage.journal import JournalUnavailable
from tests.unit.transport.clock import Clock
from tests.unit.transport.commands.desk import Desk, event_of, is_now
from tests.unit.transport.conversation.line import Published, running

MakeDesk = Callable[..., Desk]


async def test_an_accepted_command_has_its_state_its_status_and_the_answer(desk: Desk) -> None:
    await desk.call("c1", "ChangeAvailability", payload={"connectorId": 1, "type": "Operative"})

    await desk.answers("c1", {"status": "Scheduled"})

    columns = desk.results["c1"]
    assert is_now(columns.pop("finished_at"))
    assert columns == {"state": "accepted", "status": "Scheduled", "response": {"status": "Scheduled"}}
    # The waiting process reads the row when it is notified.
    assert desk.log[-2:] == [("stored", "c1"), ("finished", "c1", "caller of c1")]


async def test_the_message_of_a_command_has_both_payloads_and_the_time_between_them(
    clock: Clock, desk: Desk
) -> None:
    await desk.call("c1", "ChangeAvailability", payload={"connectorId": 1, "type": "Operative"})
    await asyncio.sleep(1.5)

    await desk.answers("c1", {"status": "Accepted"})

    (row,) = desk.messages
    assert (row["charge_point_id"], row["direction"], row["message_id"]) == (3, "out", "c1")
    assert (row["action"], row["request"], row["response"]) == (
        "ChangeAvailability",
        '{"connectorId":1,"type":"Operative"}',
        '{"status":"Accepted"}',
    )
    assert (row["error_code"], row["error_description"], row["duration_ms"]) == ("", "", 1500.0)


async def test_the_event_of_a_command_names_its_sender_and_its_result(clock: Clock, desk: Desk) -> None:
    await desk.call("c1", actor="bob")
    await asyncio.sleep(1.00026)

    await desk.answers("c1", {"status": "Rejected"})

    assert event_of(desk) == {
        "requestId": "c1",
        "action": "ClearCache",
        "actor": "bob",
        "state": "rejected",
        "status": "Rejected",
        "errorCode": "",
        "durationMs": 1000.3,
    }


async def test_a_finished_command_is_counted_with_its_round_trip(clock: Clock, desk: Desk) -> None:
    await desk.call("c1")
    await asyncio.sleep(1.5)

    await desk.answers("c1")

    assert measures.commands.counts() == {("ClearCache", "accepted"): 1}
    assert measures.round_trips["ClearCache"].total == 1.5


async def test_the_handler_of_an_answer_knows_who_sent_the_command(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    async def reply(station: Station, request: Any, response: Any, command_id: str) -> None:
        seen.append((station.action, station.actor, request, response, command_id))

    monkeypatch.setattr(registry, "reply_handler", lambda version, action: reply)
    await desk.call("c1", "Reset", payload={"type": "Soft"}, actor="bob")

    await desk.answers("c1")

    assert seen == [("Reset", "bob", {"type": "Soft"}, {"status": "Accepted"}, "c1")]


@pytest.mark.parametrize(("reply_to", "notified"), [("caller", [("finished", "c1", "caller")]), ("", [])])
async def test_only_a_process_that_waits_is_notified_and_once(
    desk: Desk, reply_to: str, notified: list[Any]
) -> None:
    await desk.call("c1", reply_to=reply_to)

    await desk.answers("c1")
    await desk.call("c1", reply_to="")
    await desk.answers("c1")

    assert desk.of("finished") == notified


# --- errors -------------------------------------------------------------------------------------------------


async def test_an_error_of_the_station_is_stored_with_its_details(desk: Desk) -> None:
    await desk.call("c1")

    await desk.receives(4, "c1", "InternalError", "No flash.", {"sector": 7})

    columns = desk.results["c1"]
    assert is_now(columns.pop("finished_at"))
    assert columns == {
        "state": "error",
        "error_code": "InternalError",
        "error_description": "No flash.",
        "error_details": {"sector": 7},
    }
    (row,) = desk.messages
    assert (row["response"], row["error_code"], row["error_description"]) == (
        "",
        "InternalError",
        "No flash.",
    )
    data = event_of(desk)
    assert (data["state"], data["status"], data["errorCode"]) == ("error", "", "InternalError")
    assert measures.commands.counts() == {("ClearCache", "error"): 1}


async def test_a_long_error_of_a_station_is_cut_to_its_columns(desk: Desk) -> None:
    await desk.call("c1")

    await desk.receives(4, "c1", "E" * 100, "d" * 2000, {})

    columns = desk.results["c1"]
    assert (columns["error_code"], columns["error_description"]) == ("E" * 64, "d" * 1000)


async def test_an_answer_that_its_schema_refuses_is_kept_as_text(desk: Desk) -> None:
    await desk.call("c1", "Reset", payload={"type": "Soft"})

    await desk.answers("c1", {"status": {"a": 1}})

    columns = desk.results["c1"]
    assert (columns["state"], columns["response"]) == ("invalid", {"raw": '{"status":{"a":1}}'})
    assert columns["error_code"] == "TypeConstraintViolation" and "status" in columns["error_description"]
    (row,) = desk.messages
    assert (row["response"], row["error_code"]) == ('{"status":{"a":1}}', "TypeConstraintViolation")
    assert [frame[0] for _, frame in desk.of("sent")] == [2]


async def test_of_a_broken_answer_4000_characters_are_kept(desk: Desk) -> None:
    await desk.call("c1")

    await desk.receives(text='[3,"c1",{"status":"Accepted","x":"' + "y" * 9000)

    raw = desk.results["c1"]["response"]["raw"]
    assert desk.results["c1"]["state"] == "invalid" and len(raw) == 4000 and "yyyy" in raw
    assert desk.messages[0]["response"] == raw


async def test_a_long_answer_that_can_be_read_is_kept_whole(desk: Desk) -> None:
    await desk.call("c1", "Reset", payload={"type": "Soft"})

    await desk.answers("c1", {"status": {"x": "y" * 9000}})

    assert len(desk.results["c1"]["response"]["raw"]) > 9000


async def test_a_station_of_2_1_is_sent_the_fault_of_its_answer(make_desk: MakeDesk) -> None:
    desk = make_desk(V21)
    await desk.receives(2, "first", "Heartbeat", {})
    await desk.call("c1", "Reset", payload={"type": "Immediate"})

    await desk.answers("c1", {"status": {"a": 1}})

    assert desk.log[-1][0] == "sent" and desk.log[-1][1][:2] == [5, "c1"]


# --- late ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "frame", "state"),
    [
        (2.0, (3, {"status": "Accepted"}), "accepted"),
        (2.25, (3, {"status": "Accepted"}), "late"),
        (2.25, (3, {"status": 1}), "late"),
        (2.25, (4, "InternalError", "", {}), "late"),
        (2.0, (4, "InternalError", "", {}), "error"),
    ],
)
async def test_an_answer_is_late_two_seconds_after_the_deadline_that_its_caller_has_waited_for(
    clock: Clock, desk: Desk, seconds: float, frame: tuple[Any, ...], state: str
) -> None:
    await desk.call("c1", timeout=60.0)
    await desk.call("c2", "Reset", payload={"type": "Soft"}, timeout=10.0)
    await asyncio.sleep(9)
    await desk.answers("c1")
    await asyncio.sleep(1 + seconds)

    kind, *content = frame
    await desk.receives(kind, "c2", *content)

    assert desk.states["c2"] == state


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ('[3,"c1",{"status":"Accepted"}]', '{"status":"Accepted"}'),
        ('[4,"c1","InternalError","No.",{"sector":7}]', '{"sector":7}'),
        ('[3,"c1",{"data":"' + "y" * 9000 + '"}]', '{"data":"' + "y" * 9000 + '"}'),
    ],
    ids=["result", "error", "long"],
)
async def test_an_answer_after_the_timeout_is_added_to_the_command(
    clock: Clock, desk: Desk, text: str, stored: str
) -> None:
    await desk.call("c1", timeout=5.0)
    await asyncio.sleep(6)

    await desk.receives(text=text)

    assert desk.late == [("c1", stored)]
    assert desk.states == {"c1": "timeout"}


async def test_of_a_broken_answer_after_the_timeout_4000_characters_are_kept_and_no_secret(
    clock: Clock, desk: Desk
) -> None:
    await desk.call("c1", timeout=5.0)
    await asyncio.sleep(6)

    await desk.receives(text='[3,"c1",{"password":"k-9f27c1d4","x":"' + "y" * 9000 + '"')

    ((id, text),) = desk.late
    assert id == "c1" and len(text) == 4000 and "k-9f27c1d4" not in text


# --- secrets ------------------------------------------------------------------------------------------------


SECRET = "k-9f27c1d4a0"
SETS_KEY: dict[str, Any] = {
    "action": "ChangeConfiguration",
    "payload": {"key": "AuthorizationKey", "value": SECRET},
}


@pytest.mark.parametrize(
    "frame",
    [
        (3, "c1", {"status": "Accepted", "customData": {"vendorId": "V", "now": SECRET}}),
        (3, "c1", {"status": SECRET}),
        (3, "c1", {"status": {"is": SECRET}}),
        (4, "c1", "InternalError", f"{SECRET} is too short.", {"got": SECRET}),
    ],
)
async def test_a_secret_of_the_command_that_the_answer_repeats_is_stored_nowhere(
    desk: Desk, frame: tuple[Any, ...]
) -> None:
    await desk.call("c1", **SETS_KEY)

    await desk.receives(*frame)

    examples = [counted.example for counted in desk.station.deviations.values()]
    assert desk.results["c1"] and desk.messages
    assert SECRET not in str([desk.results, desk.messages, examples])


async def test_the_text_of_an_answer_without_secrets_is_stored_as_it_was_sent(desk: Desk) -> None:
    await desk.call("c1", "Reset", payload={"type": "Soft"})

    await desk.receives(text='[3,"c1", {"status" :  "Accepted"} ]')

    assert desk.messages[0]["response"] == '{"status" :  "Accepted"}'


# --- units of work ------------------------------------------------------------------------------------------


async def test_an_answer_that_the_database_refuses_is_handled_once_more(desk: Desk) -> None:
    desk.errors = [ValueError("NUL")]
    await desk.call("c1")

    await desk.answers("c1")

    assert (desk.loads, desk.states) == (1, {"c1": "accepted"})
    assert len(desk.messages) == len(desk.events) == 1


async def test_a_handler_of_answers_that_fails_is_undone_and_the_command_ends(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reply(*_: Any) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(registry, "reply_handler", lambda version, action: reply)
    await desk.call("c1")

    await desk.answers("c1")

    assert (desk.loads, desk.states) == (1, {"c1": "accepted"})


async def test_an_answer_that_can_not_be_stored_notifies_no_process(desk: Desk) -> None:
    desk.errors = [JournalUnavailable("away")]
    await desk.call("c1")

    await desk.answers("c1")

    assert desk.of("closed")[0][1] == 1013 and desk.of("finished") == []
    assert measures.commands.counts() == {}


async def test_a_timeout_stores_nothing_of_the_message_that_is_being_handled(
    clock: Clock, desk: Desk
) -> None:
    await desk.call("c1", timeout=5.0)
    desk.station.unit.set(None, "row of a message", {})  # type: ignore[arg-type]

    await asyncio.sleep(5.25)

    assert desk.states == {"c1": "timeout"}
    assert [key for _, key, _ in desk.station.unit.updates] == ["row of a message"]


async def test_an_answer_is_stored_with_what_its_handler_has_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reply(station: Station, *_: Any) -> None:
        station.unit.set(None, "row of the handler", {})  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "reply_handler", lambda version, action: reply)
    await desk.call("c1")

    await desk.answers("c1")

    assert not desk.station.unit and len(desk.of("stored")) == 1


async def test_what_an_answer_has_changed_is_published_and_a_timeout_publishes_nothing(
    clock: Clock, desk: Desk, state: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reply(station: Station, *_: Any) -> None:
        station.changed = [running(1)]

    monkeypatch.setattr(registry, "reply_handler", lambda version, action: reply)
    await desk.call("c1", timeout=5.0)
    await desk.call("c2", timeout=60.0)
    await asyncio.sleep(5.25)
    state.log.clear()
    await desk.answers("c2")

    assert state.log == [("changed", 1), ("station", "CP-1")]
    state.log.clear()
    await desk.call("c3", timeout=5.0)
    await asyncio.sleep(5.25)
    assert state.log == [] and desk.states["c3"] == "timeout"


async def test_a_refused_end_of_a_command_is_no_result(desk: Desk) -> None:
    desk.errors = [ValueError("NUL")]
    await desk.call("c1")

    with pytest.raises(CommitRefused):
        await desk.connection.closed()

    assert desk.of("finished") == []
