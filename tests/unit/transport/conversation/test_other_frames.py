"""Frames that are no requests, and handlers that run after the answer."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.protocol.frames import Call
from ocpp_server.protocol.session import OutgoingCall, fingerprint
from ocpp_server.protocol.versions import V21
from tests.logged import captured_logs
from tests.unit.transport.conversation.line import (
    COUNTERS,
    deviations,
)


async def test_a_broken_frame_is_kept_stored_and_then_answered(line: Any) -> None:
    one = line()

    await one.say(text='[2,"m1","StartTransaction",{"idTag":"CARD"')

    assert one.kinds == ["kept", "stored", "sent"]
    assert one.log[2][1][:2] == [4, "m1"]
    assert deviations(one.station) == {"broken-frame": 1}
    assert one.station.action == "StartTransaction"


async def test_a_secret_in_a_broken_frame_is_masked_before_it_is_kept(line: Any) -> None:
    one = line()

    await one.say(text='[2,"m1","DataTransfer",{"vendorId":"V","password":"k-9f27c1d4"')

    assert one.station.payload and "k-9f27c1d4" not in one.station.payload


async def test_ten_broken_frames_in_a_row_close_the_socket(line: Any) -> None:
    one = line()

    for _ in range(10):
        assert "closed" not in one.kinds
        await one.say(text="[2,")

    assert one.log[-1] == ("closed", 1002, "Too many broken frames in a row.")


async def test_a_message_id_that_is_used_twice_is_refused_with_the_text_of_its_call(line: Any) -> None:
    one = line()
    await one.status()
    one.log.clear()

    await one.say(2, "m1", "Authorize", {"idTag": "CARD"})

    assert one.kinds == ["kept", "stored", "sent"]
    assert (one.station.action, one.station.payload) == ("Authorize", '{"idTag":"CARD"}')
    assert deviations(one.station) == {"broken-frame": 1}


async def test_answers_reach_the_commands_and_others_are_deviations(line: Any) -> None:
    one = line()
    one.connection._session.missed("old")
    one.connection._session.take_up(OutgoingCall("c1", "Reset", {}, 30))
    assert one.connection.is_awaited

    await one.say(3, "c1", {"status": "Accepted"})
    assert not one.connection.is_awaited
    await one.say(3, "old", {"status": "Accepted"})
    await one.say(3, "unknown", {})

    assert one.log == [("answered", "c1"), ("late", "old")]
    assert deviations(one.station) == {"late-answer": 1, "unknown-answer": 1}


async def test_frames_that_need_no_answer_are_counted(line: Any) -> None:
    one = line(V21)

    await one.say(6, "s1", "NoSuchStream", {"a": 1})
    await one.say(5, "m1", "FormationViolation", "broken", {})
    await one.say(9, "m2")

    assert [key[0] for key in one.station.deviations] == [
        "unserved-stream",
        "refused-our-answer",
        "ignored-frame",
    ]
    details = {kind: counted.detail for (kind, _, _), counted in one.station.deviations.items()}
    assert details["unserved-stream"] == "NoSuchStream"
    assert details["refused-our-answer"] == "FormationViolation: broken"
    assert "sent" not in one.kinds


async def test_an_ignored_call_is_counted_under_its_action(line: Any) -> None:
    one = line()
    call = Call(id="m1", action="Heartbeat", payload="{}")
    one.connection._session._in_progress["m1"] = fingerprint(call)

    await one.heartbeat("m1")

    assert [(kind, action) for kind, action, _ in one.station.deviations] == [("ignored-frame", "Heartbeat")]


async def test_what_an_after_handler_changes_is_stored(line: Any, after: list[Any]) -> None:
    one = line()

    async def change(station: Station, request: dict[str, Any]) -> None:
        one.log.append(("after", request))
        station.unit.insert(COUNTERS, name="a", value=1)

    after.append(change)
    await one.heartbeat()

    assert one.kinds[-4:] == ["sent", "after", "stored", "settled"]
    assert ("after", {}) in one.log


async def test_an_after_handler_that_fails_is_rolled_back_and_the_others_run(
    line: Any, after: list[Any]
) -> None:
    one = line()

    async def fail(station: Station, request: dict[str, Any]) -> None:
        station.unit.insert(COUNTERS, name="a", value=1)
        raise LookupError("a bug")

    async def note(station: Station, request: dict[str, Any]) -> None:
        one.log.append(("after",))

    after += [fail, note]
    with captured_logs() as lines:
        await one.heartbeat("m3")

    assert one.kinds[-3:] == ["sent", "after", "settled"]
    assert one.loads == 1 and not one.station.unit
    (found,) = [each for each in lines if each["event"] == "after_handler.failed"]
    assert (found["message_id"], found["action"]) == ("m3", "Heartbeat")


async def test_an_after_handler_that_can_not_be_stored_closes_the_socket(line: Any, after: list[Any]) -> None:
    one = line()

    async def away(station: Station, request: dict[str, Any]) -> None:
        raise StorageUnavailable

    after.append(away)
    await one.heartbeat()

    assert one.kinds[-2:] == ["sent", "closed"] and one.loads == 0


async def test_a_refused_message_has_no_after_handlers(line: Any, after: list[Any]) -> None:
    one = line()

    async def note(station: Station, request: dict[str, Any]) -> None:
        one.log.append(("after",))

    after.append(note)
    await one.say(2, "m1", "NoSuchAction", {})

    assert "after" not in one.kinds and "settled" not in one.kinds


@pytest.mark.parametrize(("strict", "answer"), [(False, 3), (True, 4)])
async def test_a_strict_station_gets_no_repairs(line: Any, strict: bool, answer: int) -> None:
    one = line()
    one.station.strict = strict

    await one.say(2, "m1", "Heartbeat")

    assert [entry[1][0] for entry in one.log if entry[0] == "sent"] == [answer]


async def test_a_stream_that_is_served_is_handled_and_not_answered(line: Any) -> None:
    one = line(V21)
    content = {"id": 1, "pending": 0, "basetime": "2026-05-04T12:00:00Z", "data": [{"t": 1, "v": "5"}]}

    await one.say(6, "s1", "NotifyPeriodicEventStream", content)

    assert one.kinds == ["stored"]
    assert one.station.action == "NotifyPeriodicEventStream" and one.station.request["id"] == 1
    assert "unserved-stream" not in deviations(one.station)
