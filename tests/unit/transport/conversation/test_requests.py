"""A message is stored before it is answered, and what happens when it can not be stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import IntegrityError

from ocpp_server.observability import frame_log, measures
from ocpp_server.protocol.dispatch import CommitRefused
from ocpp_server.protocol.session import OutgoingCall
from ocpp_server.protocol.versions import V16, V21
from ocpp_server.storage.journal import JournalUnavailable
from tests.logged import captured_logs
from tests.unit.transport.conversation.line import (
    AT,
    STATUS,
    Published,
    deviations,
)


async def test_a_message_is_stored_before_it_is_answered_and_then_the_commands_may_go(line: Any) -> None:
    one = line()
    one.station.in_doubt = True

    await one.status()

    assert one.kinds == ["stored", "sent", "settled"]
    assert one.log[1][1] == [3, "m1", {}]
    assert (one.station.action, one.station.in_doubt) == ("StatusNotification", False)
    assert orjson.loads(one.station.payload)["errorCode"] == "NoError"


async def test_the_time_of_receipt_is_that_of_the_gateway_or_now(line: Any) -> None:
    one = line()

    await one.connection.received('[2,"m1","Heartbeat",{}]', AT)
    assert one.station.received_at == AT
    await one.heartbeat("m2")
    assert datetime.now(UTC) - one.station.received_at < timedelta(minutes=1)


async def test_a_handled_message_is_measured(line: Any) -> None:
    before = (
        measures.handled_by_action["Heartbeat"].answered if "Heartbeat" in measures.handled_by_action else 0
    )

    await line().heartbeat()

    assert measures.handled_by_action["Heartbeat"].answered == before + 1


async def test_a_repeated_message_gets_the_same_answer_and_has_no_second_effect(line: Any) -> None:
    one, before = line(), measures.repeated.counts().get(("StatusNotification",), 0)
    frame = (2, "m1", "StatusNotification", STATUS)
    await one.say(*frame)
    sent = one.log[1]
    one.log.clear()
    one.station.action = ""

    await one.say(*frame)

    assert one.log == [sent]
    assert deviations(one.station) == {"repeated-message": 1}
    assert [action for _, action, _ in one.station.deviations] == ["StatusNotification"]
    assert measures.repeated.counts()[("StatusNotification",)] == before + 1


async def test_a_refused_request_is_kept_stored_and_answered_with_an_error(line: Any) -> None:
    one = line()

    await one.say(2, "m1", "NoSuchAction", {})

    assert one.kinds == ["kept", "stored", "sent"]
    assert one.log[2][1][:3] == [4, "m1", "NotImplemented"]


async def test_a_message_that_can_not_be_stored_now_is_not_answered(line: Any, state: Published) -> None:
    one, before = line(), measures.unanswered.counts()[("storage-away",)]
    one.errors = [JournalUnavailable("away")]

    await one.status()

    assert one.kinds == ["closed"] and one.log[0][1] == 1013
    assert "database is away" in one.log[0][2]
    assert measures.unanswered.counts()[("storage-away",)] == before + 1
    assert not one.station.unit
    # The connection is free for its end.
    one.log.clear()
    await one.connection.replace()
    assert one.kinds == ["closed"]


async def test_a_message_that_the_database_refuses_is_handled_once_more_on_the_reloaded_state(
    line: Any,
) -> None:
    one = line()
    one.errors = [IntegrityError("taken")]

    await one.status()

    assert (one.loads, one.kinds) == (1, ["stored", "sent", "settled"])


async def test_a_message_that_the_database_refuses_again_is_answered_with_an_error(line: Any) -> None:
    one = line()
    one.errors = [IntegrityError("taken"), OverflowError("too large")]

    await one.status()

    assert (one.loads, one.kinds) == (2, ["kept", "stored", "sent"])
    assert one.log[-1][1][2] == "InternalError"


async def test_a_message_of_which_nothing_can_be_stored_closes_the_socket(line: Any) -> None:
    one, before = line(), measures.unanswered.counts()[("unstorable",)]
    one.errors = [ValueError("NUL")] * 3

    with captured_logs() as lines:
        await one.status("m7")

    assert one.kinds == ["kept", "closed"] and one.log[-1][1:] == (1011, "The message could not be stored.")
    assert measures.unanswered.counts()[("unstorable",)] == before + 1
    (found,) = [each for each in lines if each["event"] == "connection.unstorable"]
    assert (found["message_id"], found["action"], found["station"]) == ("m7", "StatusNotification", "CP-1")


@pytest.mark.parametrize(
    ("version", "text", "message_id"),
    [
        (V16, '[3,"c1",{}]', "c1"),
        (V16, '[2,"b1","Heartbeat"', "b1"),
        (V21, '[6,"s1","NotifyPeriodicEventStream",{}]', "s1"),
        (V16, '[3,"unknown",{}]', ""),
    ],
)
async def test_the_log_of_an_unstorable_frame_names_its_message(
    line: Any, monkeypatch: pytest.MonkeyPatch, version: str, text: str, message_id: str
) -> None:
    one = line(version)
    one.connection._session.take_up(OutgoingCall("c1", "Reset", {}, 30))

    async def refuse(_: Any) -> None:
        raise CommitRefused

    monkeypatch.setattr(one.connection, "_react", refuse)

    with captured_logs() as lines:
        await one.say(text=text)

    assert [each["message_id"] for each in lines if each["event"] == "connection.unstorable"] == [message_id]


@pytest.mark.parametrize("is_on", [True, False])
async def test_frames_in_both_directions_are_logged_on_request_alone(
    line: Any, monkeypatch: pytest.MonkeyPatch, is_on: bool
) -> None:
    logged: list[tuple[str, str]] = []
    monkeypatch.setattr(frame_log, "is_on", lambda: is_on)
    monkeypatch.setattr(frame_log, "_log", lambda event, station, text: logged.append((event, text)))
    one = line()

    await one.heartbeat()

    assert [event for event, _ in logged] == (["frame.in", "frame.out"] if is_on else [])
    assert one.kinds == ["sent", "settled"]
