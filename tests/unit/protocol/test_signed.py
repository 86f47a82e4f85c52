"""Signed messages are read as the messages inside of them (2.x part 4, chapter 7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocpp_server.protocol import frames
from ocpp_server.protocol.errors import FormatViolation
from ocpp_server.protocol.frames import Broken, BrokenAnswer, Call, CallResult, Frame, Send
from ocpp_server.protocol.session import Ignored, Incoming, Refused, Repeated, Session, Streamed
from ocpp_server.protocol.signed import unpacked
from ocpp_server.protocol.versions import V16, V21, V201
from tests.signing import base64url, jws


def read(version: str, *frame: Any) -> Frame:
    return unpacked(frames.parse(json.dumps(frame), version), version)


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("name", ["OCPPMessageTypeId", "OCPPMessageTypedId"])
def test_a_signed_call_is_the_call_inside(version: str, name: str) -> None:
    content = {"idToken": {"idToken": "ü", "type": "Local"}}
    found = read(version, 2, "7", "Authorize-Signed", jws(content, "Authorize", **{name: 2}))

    assert isinstance(found, Call)
    assert (found.id, found.action, found.json(), found.repairs) == ("7", "Authorize", content, ())


def test_the_numbers_of_a_signed_payload_keep_their_digits() -> None:
    signed = jws({}, "MeterValues") | {"payload": base64url('{"value":1.10}')}
    found = read(V21, 2, "7", "MeterValues-Signed", signed)

    assert isinstance(found, Call)
    assert found.payload == '{"value":1.10}'


def test_padding_and_an_unprotected_header_are_allowed() -> None:
    signed = jws({"a": 1}, "Heartbeat")
    signed |= {name: text + "=" * (-len(text) % 4) for name, text in signed.items()}
    found = read(V201, 2, "7", "Heartbeat-Signed", signed | {"header": {"kid": "1"}})

    assert isinstance(found, Call)
    assert found.json() == {"a": 1}


def test_escapes_that_no_database_stores_are_replaced_inside_too() -> None:
    signed = jws({}, "DataTransfer") | {"payload": base64url('{"vendorId":"a\\u0000b"}')}
    found = read(V21, 2, "7", "DataTransfer-Signed", signed)

    assert isinstance(found, Call)
    assert (found.json(), found.repairs) == ({"vendorId": "a\ufffdb"}, (frames.UNSTORABLE_TEXT,))


WHOLE = jws({}, "Heartbeat")
MALFORMED: list[tuple[Any, str]] = [
    ([], "the payload is not an object"),
    ({}, "payload is missing or not a text"),
    (WHOLE | {"protected": 5}, "protected is missing or not a text"),
    (WHOLE | {"signature": ""}, "signature is missing or not a text"),
    (WHOLE | {"payload": "%%%"}, "payload is not a text in base64url"),
    (WHOLE | {"payload": "A"}, "payload is not a text in base64url"),
    (WHOLE | {"payload": "_w"}, "payload is not a text in base64url"),  # no UTF-8
    (WHOLE | {"protected": base64url("nonsense")}, "the protected header is not valid JSON"),
    (WHOLE | {"protected": base64url("[]")}, "the protected header is not an object"),
    (WHOLE | {"protected": base64url("{}")}, "the protected header has no OCPPAction"),
    (jws({}, "Authorize"), "the protected header names another OCPPAction"),
    (jws({}, "Heartbeat", 3), "OCPPMessageTypeId in the protected header is not 2"),
    (
        WHOLE | {"payload": base64url("[" * 40 + "]" * 40)},
        "the signed payload is nested deeper than 32 levels",
    ),
]


@pytest.mark.parametrize(("payload", "fault"), MALFORMED, ids=[fault for _, fault in MALFORMED])
def test_a_malformed_signed_call_is_refused_with_its_fault(payload: Any, fault: str) -> None:
    found = read(V21, 2, "7", "Heartbeat-Signed", payload)

    assert isinstance(found, Broken)
    assert isinstance(found.error, FormatViolation)
    assert found.error.description == f"The signed message is malformed: {fault}."
    assert (found.id, found.type, found.action) == ("7", 2, "Heartbeat")


def test_a_malformed_signed_send_is_not_answered() -> None:
    found = read(V21, 6, "7", "NotifyPeriodicEventStream-Signed", {})
    whole = read(V21, 6, "7", "NotifyPeriodicEventStream-Signed", jws({}, "NotifyPeriodicEventStream", 6))

    assert isinstance(found, Broken)
    assert (found.error, found.action) == (None, "NotifyPeriodicEventStream")
    assert isinstance(whole, Send)
    assert whole.action == "NotifyPeriodicEventStream"


def test_a_signed_answer_is_the_answer_inside() -> None:
    found = read(V201, 3, "7", jws({"status": "Accepted"}, "ClearCache", 3))

    assert isinstance(found, CallResult)
    assert (found.id, found.json()) == ("7", {"status": "Accepted"})


def test_a_malformed_signed_answer_ends_its_command() -> None:
    found = read(V21, 3, "7", jws({"status": "Accepted"}, "ClearCache", 2))

    assert isinstance(found, BrokenAnswer)
    assert (found.id, found.type) == ("7", 3)
    assert found.reason.endswith("OCPPMessageTypeId in the protected header is not 3")


def test_an_answer_that_names_the_words_is_plain() -> None:
    plain = {"status": "Accepted", "data": {"protected": "a", "signature": "b"}}
    found = read(V21, 3, "7", plain)

    assert isinstance(found, CallResult)
    assert found.json() == plain


def test_1_6_has_no_signed_messages() -> None:
    found = read(V16, 2, "7", "Heartbeat-Signed", WHOLE)

    assert isinstance(found, Call)
    assert found.action == "Heartbeat-Signed"


# -- message ids ---------------------------------------------------------------------------------------------


def frame(kind: int, message_id: str, action: str, payload: Any) -> str:
    return json.dumps([kind, message_id, action, payload])


def test_a_signed_retry_gets_the_answer_of_the_plain_message() -> None:
    session = Session(V21)
    plain = session.receive('[2,"7","DataTransfer",{"vendorId": "v"}]', 0.0)
    assert isinstance(plain, Incoming)
    session.answered(plain.call, '[3,"7",{}]', 0.0)

    again = session.receive(frame(2, "7", "DataTransfer-Signed", jws({"vendorId": "v"}, "DataTransfer")), 1.0)
    assert isinstance(again, Repeated)


STREAM = "NotifyPeriodicEventStream"


def test_a_send_has_no_second_effect_and_its_id_belongs_to_no_call() -> None:
    session = Session(V21)

    assert isinstance(session.receive(frame(6, "7", STREAM, {"id": 1}), 0.0), Streamed)
    assert isinstance(session.receive(frame(6, "7", STREAM, {"id": 1}), 0.0), Ignored)
    assert isinstance(session.receive(frame(6, "7", STREAM, {"id": 2}), 0.0), Streamed)
    refused = session.receive(frame(2, "7", "DataTransfer", {"vendorId": "v"}), 0.0)
    assert isinstance(refused, Refused)
    assert json.loads(str(refused.text))[:3] == [4, "7", "ProtocolError"]
    # A message about a transaction is never refused for its id, and a boot starts again.
    assert isinstance(session.receive(frame(2, "7", "TransactionEvent", {}), 0.0), Incoming)
    assert isinstance(session.receive(frame(2, "8", "BootNotification", {}), 0.0), Incoming)
    assert isinstance(session.receive(frame(2, "7", "DataTransfer", {"vendorId": "v"}), 0.0), Refused)


def test_the_ids_of_the_last_eight_sends_are_known() -> None:
    session = Session(V21)
    for number in range(9):
        session.receive(frame(6, str(number), STREAM, {}), 0.0)

    assert isinstance(session.receive(frame(2, "0", "DataTransfer", {}), 0.0), Incoming)
    assert isinstance(session.receive(frame(2, "1", "DataTransfer", {}), 0.0), Refused)
