import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocpp_server.protocol.errors import ProtocolError
from ocpp_server.protocol.frames import CallError, pack_result
from ocpp_server.protocol.session import (
    Answered,
    Ignored,
    Incoming,
    Late,
    OutgoingCall,
    QueueFull,
    Refused,
    Repeated,
    ReplayMemory,
    ResultRefused,
    Session,
    SessionClosed,
    Streamed,
)
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS


def call(message_id="1", action="Authorize", payload='{"idTag":"A"}'):
    return f'[2,"{message_id}","{action}",{payload}]'


def outgoing_call(message_id, timeout=30.0):
    return OutgoingCall(id=message_id, action="Reset", payload={"type": "Soft"}, timeout=timeout)


def answer(session, text, now=0.0, payload=None):
    """Serve a call as dispatch does; the frame of the answer."""
    event = session.receive(text, now)
    assert isinstance(event, Incoming)
    reply = pack_result(event.call.id, payload or {})
    session.answered(event.call, reply, now)
    return reply


@pytest.fixture(params=VERSIONS)
def session(request):
    return Session(request.param)


# --- calls of stations


def test_R07_a_call_is_to_be_served(session):
    event = session.receive(call(), 0.0)

    assert isinstance(event, Incoming)
    assert event.call.json() == {"idTag": "A"}


def test_R20_a_call_repeated_while_it_is_served_runs_once(session):
    session.receive(call(), 0.0)

    assert isinstance(session.receive(call(), 0.1), Ignored)


def test_R20_another_call_under_the_id_of_one_in_progress_is_refused(session):
    session.receive(call(), 0.0)

    event = session.receive(call(payload='{"idTag":"B"}'), 0.1)

    assert isinstance(event, Refused)
    assert isinstance(event.error, ProtocolError)
    assert json.loads(event.text)[:3] == [4, "1", "ProtocolError"]
    assert not event.close


def test_R21_a_retry_gets_the_stored_answer(session):
    reply = answer(session, call(), payload={"n": 1})

    event = session.receive(call(), 299.0)

    assert isinstance(event, Repeated)
    assert event.text == reply


@pytest.mark.parametrize("version", VERSIONS)
def test_R21_a_retry_after_a_reconnect_gets_the_stored_answer(version):
    memory = ReplayMemory()
    reply = answer(Session(version, memory=memory), call(action="StopTransaction"))

    event = Session(version, memory=memory).receive(call(action="StopTransaction"), 60.0)

    assert isinstance(event, Repeated)
    assert event.text == reply


def test_R21_an_old_answer_is_not_replayed(session):
    answer(session, call())

    assert isinstance(session.receive(call(), 301.0), Incoming)


def test_R21_the_same_id_for_something_else_is_an_error_on_the_same_socket_and_new_on_another():
    memory = ReplayMemory()
    first = Session(V16, memory=memory)
    answer(first, call())

    other = call(payload='{"idTag":"B"}')

    assert isinstance(first.receive(other, 1.0), Refused)
    assert isinstance(Session(V16, memory=memory).receive(other, 1.0), Incoming)


@pytest.mark.parametrize("action", ["StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent"])
def test_R21_a_transaction_message_is_never_refused_for_its_id(session, action):
    answer(session, call(action=action))

    assert isinstance(session.receive(call(action=action, payload='{"idTag":"B"}'), 1.0), Incoming)
    assert isinstance(session.receive(call(action=action, payload='{"idTag":"C"}'), 1.0), Incoming)


@pytest.mark.parametrize("action", ["Heartbeat", "BootNotification"])
def test_R21_an_answer_with_the_current_time_is_never_replayed(session, action):
    answer(session, call(action=action, payload="{}"))

    assert isinstance(session.receive(call(action=action, payload="{}"), 1.0), Incoming)


def test_R21_a_boot_drops_the_answers_before_it():
    memory = ReplayMemory()
    session = Session(V16, memory=memory)
    answer(session, call("1"))

    answer(session, call("0", "BootNotification", "{}"))

    assert isinstance(session.receive(call("1"), 1.0), Incoming)


def test_R21_a_failed_call_may_be_retried_under_the_same_id(session):
    event = session.receive(call(), 0.0)
    session.answered(event.call, '[4,"1","InternalError","",{}]', 0.0)

    assert isinstance(session.receive(call(), 1.0), Incoming)


def test_R21_the_memory_holds_eight_answers(session):
    for number in range(9):
        answer(session, call(str(number)))

    assert isinstance(session.receive(call("1"), 1.0), Repeated)
    assert isinstance(session.receive(call("0"), 1.0), Incoming)


def test_R16_ten_invalid_frames_in_a_row_close_the_socket(session):
    events = [session.receive("nonsense", 0.0) for _ in range(10)]

    assert [event.close for event in events] == [False] * 9 + [True]


def test_R16_a_valid_frame_resets_the_count_of_invalid_frames(session):
    for _ in range(9):
        session.receive("nonsense", 0.0)
    session.receive(call(), 0.0)

    assert not session.receive("nonsense", 0.0).close


def test_R16_a_broken_frame_gets_the_answer_of_its_version():
    assert Session(V16).receive("nonsense", 0.0).text is None
    assert json.loads(Session(V201).receive("nonsense", 0.0).text)[:3] == [4, "-1", "RpcFrameworkError"]


def test_R16_of_a_broken_frame_its_front_and_its_text_are_kept(session):
    text = '[2,"7","StopTransaction",{"transactionId":'

    event = session.receive(text, 0.0)

    assert (event.call.id, event.call.action, event.call.payload) == ("7", "StopTransaction", text)
    assert json.loads(event.text)[:2] == [4, "7"]


def test_R19_an_unknown_type_is_ignored_or_refused():
    assert isinstance(Session(V16).receive('[9,"1"]', 0.0), Ignored)
    assert isinstance(Session(V21).receive('[9,"1"]', 0.0), Ignored)
    assert json.loads(Session(V201).receive('[9,"1"]', 0.0).text)[2] == "MessageTypeNotSupported"


def test_R27_a_refused_result_is_reported_and_not_answered():
    event = Session(V21).receive('[5,"1","FormatViolation","",{}]', 0.0)

    assert isinstance(event, ResultRefused)
    assert event.frame.id == "1"


def test_R28_a_send_is_streamed_in_2_1_and_an_unknown_type_before():
    text = '[6,"1","NotifyPeriodicEventStream",{}]'

    assert isinstance(Session(V21).receive(text, 0.0), Streamed)
    assert isinstance(Session(V16).receive(text, 0.0), Ignored)
    assert isinstance(Session(V201).receive(text, 0.0), Refused)


# --- calls to stations


def test_R22_twenty_calls_go_out_one_after_the_other_in_order(session):
    calls = [outgoing_call(str(number)) for number in range(20)]

    sent = [session.submit(outgoing, 0.0) for outgoing in calls]
    order = [json.loads(sent[0])[1]]
    while session.outstanding:
        event = session.receive(f'[3,"{order[-1]}",{{"status":"Accepted"}}]', 1.0)
        assert isinstance(event, Answered)
        assert event.outgoing.id == order[-1]
        if event.next:
            order.append(json.loads(event.next)[1])

    assert sent[1:] == [None] * 19
    assert order == [str(number) for number in range(20)]


def test_R22_the_queue_is_bounded():
    session = Session(V16, queue_limit=2)
    for number in range(3):
        session.submit(outgoing_call(str(number)), 0.0)

    with pytest.raises(QueueFull):
        session.submit(outgoing_call("3"), 0.0)
    assert session.queued == 2


def test_R23_a_timeout_sends_the_next_call_and_the_late_answer_does_not_match_it(session):
    session.submit(outgoing_call("first", timeout=5), 0.0)
    session.submit(outgoing_call("second", timeout=5), 1.0)

    assert session.next_deadline == 5.0
    assert session.expire(4.9) == ([], None)
    expired, text = session.expire(5.0)
    late = session.receive('[3,"first",{"status":"Accepted"}]', 6.0)

    assert [outgoing.id for outgoing in expired] == ["first"]
    assert json.loads(text)[1] == "second"
    assert isinstance(late, Late)
    assert late.late
    assert session.outstanding.id == "second"
    assert session.next_deadline == 10.0, "the time in the queue does not count"


def test_R24_an_answer_without_a_call_is_noted_and_the_memory_is_bounded(session):
    for number in range(100):
        session.submit(outgoing_call(f"id{number}", timeout=1), number * 10.0)
        session.expire(number * 10.0 + 1)

    unknown = session.receive('[3,"nobody",{}]', 2000.0)
    forgotten = session.receive('[3,"id0",{}]', 2000.0)
    remembered = session.receive('[3,"id99",{}]', 2000.0)

    assert (unknown.late, forgotten.late, remembered.late) == (False, False, True)


def test_R25_calls_may_cross(session):
    session.submit(outgoing_call("call-1"), 0.0)

    assert isinstance(session.receive(call("call-1"), 0.1), Incoming), "the id spaces are separate"
    assert isinstance(session.receive('[3,"call-1",{}]', 0.2), Answered)


def test_R29_an_error_of_the_station_ends_the_call(session):
    session.submit(outgoing_call("1"), 0.0)

    event = session.receive('[4,"1","NotSupported",null]', 0.1)

    assert isinstance(event, Answered)
    assert event.frame == CallError("1", "NotSupported")
    assert session.outstanding is None
    assert session.next_deadline is None


@pytest.mark.parametrize("rest", ['{"status":"Acc', "{}]]", '"NotSup'])
@pytest.mark.parametrize("kind", [3, 4])
def test_R26_a_broken_answer_ends_its_call_and_sends_the_next(session, kind, rest):
    session.submit(outgoing_call("1"), 0.0)
    session.submit(outgoing_call("2"), 0.0)
    text = f'[{kind},"1",{rest}'

    event = session.receive(text, 0.1)

    assert isinstance(event, Answered)
    assert event.frame.payload == text
    assert json.loads(event.next)[1] == "2"
    assert isinstance(session.receive('[3,"1",{}]', 0.2), Late), "its call has ended"


def test_R24_a_broken_answer_is_late_or_belongs_to_no_call(session):
    session.submit(outgoing_call("1", timeout=1), 0.0)
    session.expire(1.0)

    late = session.receive('[3,"1",{', 2.0)
    unknown = session.receive('[3,"nobody",{', 2.0)

    assert (late.outgoing_id, late.late) == ("1", True)
    assert isinstance(unknown, Refused)
    assert unknown.text is None, "an answer is not answered"
    assert (unknown.call.id, unknown.is_broken) == ("nobody", True)


def test_R30_a_closed_session_returns_its_unanswered_calls(session):
    for number in range(3):
        session.submit(outgoing_call(str(number)), 0.0)

    unanswered = session.close()

    assert [outgoing.id for outgoing in unanswered] == ["0", "1", "2"]
    assert session.close() == []
    with pytest.raises(SessionClosed):
        session.submit(outgoing_call("3"), 0.0)


def test_a_payload_that_is_not_json_is_refused_to_its_caller(session):
    session.submit(outgoing_call("1"), 0.0)

    with pytest.raises(TypeError):
        session.submit(OutgoingCall("2", "Reset", {"type": object()}), 0.0)
    assert session.queued == 0


_frames = st.one_of(
    st.text(max_size=20),
    st.builds(
        call,
        st.sampled_from(["1", "2"]),
        st.sampled_from(["Authorize", "Heartbeat", "BootNotification", "StartTransaction", "Unheard"]),
        st.sampled_from(["{}", '{"idTag":"A"}', "null", "[]"]),
    ),
    st.builds('[{},"{}",{{}}]'.format, st.integers(0, 9), st.sampled_from(["1", "a", "b", "-1"])),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(VERSIONS), st.lists(st.tuples(st.sampled_from(["receive", "submit", "wait"]), _frames))
)
def test_R22_R30_in_any_sequence_every_call_to_a_station_ends_exactly_once_and_in_order(version, steps):
    session, now, sent, ended = Session(version, queue_limit=1000), 0.0, [], []

    for number, (step, text) in enumerate(steps):
        now += 10.0
        if step == "submit":
            frame = session.submit(outgoing_call(f"{'ab'[number % 2]}{number}"), now)
            sent += [json.loads(frame)[1]] if frame else []
        elif step == "wait":
            expired, frame = session.expire(now)
            ended += [outgoing.id for outgoing in expired]
            sent += [json.loads(frame)[1]] if frame else []
        else:
            reply = (
                f'[3,"{session.outstanding.id}",{{}}]' if session.outstanding and number % 3 == 0 else text
            )
            event = session.receive(reply, now)
            if isinstance(event, Answered):
                ended.append(event.outgoing.id)
                sent += [json.loads(event.next)[1]] if event.next else []
            if isinstance(event, Incoming) and number % 2:
                session.answered(event.call, f'[3,"{event.call.id}",{{}}]', now)
    ended += [outgoing.id for outgoing in session.close()]

    submitted = [f"{'ab'[number % 2]}{number}" for number, (step, _) in enumerate(steps) if step == "submit"]
    assert sorted(ended) == sorted(submitted)
    assert sent == [call_id for call_id in submitted if call_id in sent]


def test_a_call_that_waited_past_its_time_is_never_sent(session):
    session.submit(outgoing_call("slow", timeout=30.0), 0.0)
    session.submit(outgoing_call("hasty", timeout=5.0), 0.0)
    session.submit(outgoing_call("patient", timeout=60.0), 0.0)
    assert session.next_deadline == 5.0

    assert [call.id for call in session.expire(5.0)[0]] == ["hasty"]
    event = session.receive('[3,"slow",{}]', 10.0)

    assert json.loads(event.next)[1] == "patient"


def test_an_answer_does_not_send_a_call_whose_time_is_over(session):
    session.submit(outgoing_call("slow", timeout=30.0), 0.0)
    session.submit(outgoing_call("hasty", timeout=5.0), 0.0)

    assert session.receive('[3,"slow",{}]', 6.0).next is None
    assert [call.id for call in session.expire(6.0)[0]] == ["hasty"]
    assert session.queued == 0
