"""The boundaries of what a session remembers: answers, late calls, invalid frames and its own state."""

from __future__ import annotations

import json

import pytest

from ocpp_server.protocol.frames import Broken, BrokenAnswer, CallResult, Unknown, pack_result
from ocpp_server.protocol.session import (
    REMEMBERED_LATE,
    Answered,
    Ignored,
    Incoming,
    Late,
    OutgoingCall,
    QueueFull,
    Refused,
    Repeated,
    ReplayMemory,
    Session,
)
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS

CALL = '[2,"1","Authorize",{"idTag":"A"}]'
OTHER = '[2,"1","Authorize",{"idTag":"B"}]'


def serve(session: Session, text: str, now: float) -> str:
    event = session.receive(text, now)
    assert isinstance(event, Incoming)
    reply = pack_result(event.call.id, {})
    session.answered(event.call, reply, now)
    return reply


def reset(message_id: str, timeout: float = 30.0) -> OutgoingCall:
    return OutgoingCall(message_id, "Reset", {}, timeout)


# --- answers of before


@pytest.mark.parametrize("begin", [0.0, 5_000.0])
def test_an_answer_is_remembered_for_300_seconds(begin: float) -> None:
    session = Session(V16)
    serve(session, CALL, begin)

    assert isinstance(session.receive(CALL, begin + 300.0), Repeated)
    assert isinstance(session.receive(CALL, begin + 300.1), Incoming)


def test_each_socket_of_a_station_has_a_number_of_its_own() -> None:
    memory = ReplayMemory()
    sessions = [Session(V16, memory=memory) for _ in range(3)]
    serve(sessions[0], CALL, 0.0)

    events = [session.receive(OTHER, 1.0) for session in sessions]

    assert [type(event) for event in events] == [Refused, Incoming, Incoming]
    assert [memory.new_socket(), memory.new_socket()] == [4, 5]


def test_a_message_id_used_twice_is_named_in_the_refusal_with_its_call() -> None:
    session = Session(V16)
    serve(session, CALL, 0.0)

    event = session.receive(OTHER, 1.0)

    assert isinstance(event, Refused)
    assert event.reason == "message id used twice"
    assert (event.call.id, event.call.action, event.call.payload) == ("1", "Authorize", '{"idTag":"B"}')
    assert not event.is_broken


def test_an_answer_that_is_remembered_again_is_the_youngest() -> None:
    session = Session(V16)
    for number in range(8):
        serve(session, f'[2,"{number}","MeterValues",{{}}]', 0.0)

    serve(session, '[2,"0","MeterValues",{"again":1}]', 1.0)
    serve(session, '[2,"8","MeterValues",{}]', 1.0)

    assert isinstance(session.receive('[2,"0","MeterValues",{"again":1}]', 2.0), Repeated)
    assert isinstance(session.receive('[2,"2","MeterValues",{}]', 2.0), Repeated)
    assert isinstance(session.receive('[2,"1","MeterValues",{}]', 2.0), Incoming)


def test_another_action_under_the_same_id_and_payload_is_another_message() -> None:
    session = Session(V16)
    serve(session, '[2,"1","Authorize",{}]', 0.0)

    assert isinstance(session.receive('[2,"1","DataTransfer",{}]', 1.0), Refused)


@pytest.mark.parametrize("action", ["Heartbeat", "BootNotification"])
def test_an_action_that_is_always_new_is_never_refused_for_its_id(action: str) -> None:
    session = Session(V16)
    serve(session, '[2,"1","Authorize",{}]', 0.0)

    assert isinstance(session.receive(f'[2,"1","{action}",{{}}]', 1.0), Incoming)


def test_a_call_in_progress_is_ignored_with_its_action_for_the_log() -> None:
    session = Session(V16)
    session.receive(CALL, 0.0)

    event = session.receive(CALL, 0.1)

    assert isinstance(event, Ignored)
    assert (event.action, bool(event.reason)) == ("Authorize", True)


def test_a_session_serves_until_its_last_call_is_answered() -> None:
    session = Session(V16)
    assert session.is_serving is False

    event = session.receive(CALL, 0.0)
    assert isinstance(event, Incoming)
    assert session.is_serving is True
    session.answered(event.call, pack_result("1", {}), 0.0)

    assert session.is_serving is False


# --- invalid frames


@pytest.mark.parametrize(
    "valid", [CALL, '[3,"1",{}]', '[4,"1","NotSupported","",{}]', '[6,"1","NotifyPeriodicEventStream",{}]']
)
def test_R16_any_valid_frame_starts_the_count_of_invalid_ones_anew(valid: str) -> None:
    session = Session(V21, max_bad_frames=2)
    session.receive("nonsense", 0.0)
    session.receive(valid, 0.0)

    events = [session.receive("nonsense", 0.0) for _ in range(2)]

    assert [event.close for event in events if isinstance(event, Refused)] == [False, True]


def test_R16_an_answer_that_is_not_json_leaves_the_count_as_it_is() -> None:
    session = Session(V16, max_bad_frames=2)
    session.submit(reset("1"), 0.0)
    session.receive("nonsense", 0.0)
    assert isinstance(session.receive('[3,"1",{', 0.0), Answered)

    event = session.receive("nonsense", 0.0)

    assert isinstance(event, Refused)
    assert event.close


def test_R16_a_strict_session_refuses_what_a_tolerant_one_repairs() -> None:
    text = '[2,"7","Heartbeat"]'

    assert isinstance(Session(V16).receive(text, 0.0), Incoming)
    assert isinstance(Session(V16).receive(text, 0.0, strict=True), Refused)


@pytest.mark.parametrize("text", ["nonsense", '[2,null,"Heartbeat",{}]'])
def test_R16_a_refused_frame_without_an_id_has_an_empty_one_in_the_log(text: str) -> None:
    event = Session(V201).receive(text, 0.0)

    assert isinstance(event, Refused)
    assert (event.call.id, event.call.payload, event.is_broken) == ("", text, True)
    assert event.reason


def test_R17_a_refused_frame_keeps_the_number_that_1_6_sent_as_its_id() -> None:
    event = Session(V16).receive('[2,5,"Heartbeat",{}]', 0.0)

    assert isinstance(event, Refused)
    assert (event.call.id, event.call.action) == ("5", "Heartbeat")


def test_R19_an_unknown_type_is_named_in_the_log_and_counts_as_invalid_in_2_0_1_only() -> None:
    refused = Session(V201, max_bad_frames=1).receive('[9,"1"]', 0.0)
    ignored = Session(V21, max_bad_frames=1).receive('[9,"1"]', 0.0)

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.call.action, refused.close) == ("unknown message type 9", "", True)
    assert ignored == Ignored("unknown message type 9")


def test_a_broken_answer_to_no_call_counts_as_an_invalid_frame_and_is_named() -> None:
    event = Session(V16, max_bad_frames=1).receive('[3,"1",{', 0.0)

    assert isinstance(event, Refused)
    assert (event.text, event.call.id, event.close) == (None, "1", True)
    assert "not valid JSON" in event.reason


# --- calls of the server


def test_a_call_has_30_seconds_by_default_and_expires_with_its_own_timeout() -> None:
    session = Session(V16)
    first, second = OutgoingCall("1", "Reset", {}), reset("2", timeout=50.0)

    session.submit(first, 10.0)
    session.submit(second, 11.0)

    assert (first.sent_at, first.deadline, first.expires_at) == (10.0, 40.0, 40.0)
    assert (second.sent_at, second.deadline, second.expires_at) == (None, None, 61.0)
    assert first.actor == ""


def test_an_expiry_that_the_caller_sets_is_kept() -> None:
    session, call = Session(V16), reset("1")
    call.expires_at = 12.0

    session.submit(call, 10.0)

    assert call.expires_at == 12.0


def test_the_next_deadline_is_the_earliest_of_the_outstanding_and_the_queued_calls() -> None:
    session = Session(V16)
    assert session.next_deadline is None

    session.submit(reset("1", timeout=30.0), 0.0)
    session.submit(reset("2", timeout=60.0), 0.0)
    assert session.next_deadline == 30.0
    session.submit(reset("3", timeout=20.0), 0.0)

    assert (session.next_deadline, session.queued) == (20.0, 2)


def test_overdue_calls_of_the_queue_end_although_the_outstanding_one_goes_on() -> None:
    session = Session(V16)
    session.submit(reset("1", timeout=30.0), 0.0)
    session.submit(reset("2", timeout=20.0), 0.0)
    session.submit(reset("3", timeout=60.0), 0.0)

    assert [call.id for call in session.expire(19.9)[0]] == []
    expired, text = session.expire(20.0)
    assert ([call.id for call in expired], text, session.queued) == (["2"], None, 1)

    expired, text = session.expire(30.0)
    assert [call.id for call in expired] == ["1"]
    assert json.loads(str(text))[1] == "3"


def test_the_outstanding_call_ends_before_the_overdue_ones_of_the_queue() -> None:
    session = Session(V16)
    session.submit(reset("1"), 0.0)
    session.submit(reset("2"), 0.0)

    assert ([call.id for call in session.expire(30.0)[0]], session.outstanding) == (["1", "2"], None)


def test_R22_a_queue_of_64_calls_is_full_by_default() -> None:
    session = Session(V16)
    for number in range(65):
        session.submit(reset(str(number)), 0.0)

    with pytest.raises(QueueFull):
        session.submit(reset("65"), 0.0)


def test_R24_the_last_64_calls_without_an_answer_are_remembered() -> None:
    session = Session(V16)
    assert REMEMBERED_LATE == 64
    for number in range(65):
        session.missed(str(number))

    late = [session.receive(f'[3,"{number}",{{}}]', 0.0) for number in (0, 1, 64)]

    assert [isinstance(event, Late) and event.late for event in late] == [False, True, True]


def test_R24_a_late_answer_is_late_once() -> None:
    session = Session(V16)
    session.missed("1")

    first, second = (session.receive('[3,"1",{}]', 0.0) for _ in range(2))

    assert first == Late(CallResult("1", "{}"), "1", late=True)
    assert second == Late(CallResult("1", "{}"), "1", late=False)


def test_a_call_that_another_session_sent_is_answered_here() -> None:
    session, call = Session(V16), reset("1")
    call.deadline = 30.0

    session.take_up(call)
    assert session.next_deadline == 30.0
    event = session.receive('[3,"1",{}]', 1.0)

    assert isinstance(event, Answered)
    assert (event.outgoing, event.next) == (call, None)


def test_a_taken_up_call_without_a_deadline_never_expires_here() -> None:
    session, call = Session(V16), reset("1")

    session.take_up(call)

    assert session.next_deadline is None
    assert session.expire(1e9) == ([], None)
    assert session.close() == [call]


# --- what an event is


@pytest.mark.parametrize("version", VERSIONS)
def test_events_and_frames_cannot_be_changed(version: str) -> None:
    session = Session(version)
    session.submit(reset("1"), 0.0)
    incoming = session.receive(CALL, 0.0)
    frames = [Broken("x"), Unknown(9), BrokenAnswer("1", "", "", 3), CallResult("1", "{}")]
    events = [
        incoming,
        session.receive(CALL, 0.0),
        session.receive("nonsense", 0.0),
        session.receive('[3,"1",{}]', 0.0),
        session.receive('[3,"1",{}]', 0.0),
    ]

    for each in (*frames, *events):
        with pytest.raises(AttributeError):
            setattr(each, each.__struct_fields__[0], "changed")
