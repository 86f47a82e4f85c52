"""Unusual frames, read part by part: their limits, and the faults that they are refused for."""

from __future__ import annotations

import json

import pytest

from ocpp_server.protocol.errors import (
    FormatViolation,
    InternalError,
    MessageTypeNotSupported,
    RpcFrameworkError,
)
from ocpp_server.protocol.frames import (
    Broken,
    BrokenAnswer,
    Call,
    CallError,
    CallResult,
    CallResultError,
    Send,
    Unknown,
    answer_to_broken,
    error_of,
    pack_error,
    parse,
)
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS

CUT_OFF = "not valid JSON: the text is cut off"


def fault(text: str, version: str = V16) -> str:
    """The reason of an invalid frame."""
    frame = parse(text, version)
    assert isinstance(frame, Broken | BrokenAnswer), frame
    return frame.reason


# --- valid frames in an unusual form


@pytest.mark.parametrize("version", VERSIONS)
def test_blanks_before_the_type_change_nothing(version: str) -> None:
    call = parse('[ 2 , "7" , "Heartbeat" , {"a":"\\u0000"} ]', version)
    result = parse('\n[ 3 , "7" , {"a":"\\u0000"} ]', version)

    assert call == Call(id="7", action="Heartbeat", payload='{"a":"\\ufffd"}', repairs=("unstorable-text",))
    assert result == CallResult("7", '{"a":"\\ufffd"}', ("unstorable-text",))


@pytest.mark.parametrize(
    ("text", "payload"),
    [('[3,"7"]', "null"), ('[3,"7",{"a":1},"more"]', '{"a":1}'), ('[3,"7",null]', "null")],
)
def test_a_result_of_the_wrong_length_still_answers_its_call(text: str, payload: str) -> None:
    assert parse(text, V16) == CallResult("7", payload)


def test_a_result_is_read_whatever_the_length_of_its_id() -> None:
    assert parse(f'[3,"{"x" * 37}",{{}}]', V16) == CallResult("x" * 37, "{}")


def test_an_id_of_36_characters_is_valid_in_an_unusual_frame_too() -> None:
    assert parse(f'[2,"{"x" * 36}","Heartbeat"]', V201).id == "x" * 36
    assert parse(f'[2,"{"x" * 37}","Heartbeat"]', V201).id is None


def test_a_send_in_an_unusual_form_is_a_send() -> None:
    assert parse('[ 6,"7","NotifyPeriodicEventStream",{}]', V21) == Send(
        id="7", action="NotifyPeriodicEventStream", payload="{}"
    )


@pytest.mark.parametrize("code", ["", "null", '{"a":1}', '""', "5", "true"])
@pytest.mark.parametrize(("kind", "frame"), [(4, CallError), (5, CallResultError)])
def test_an_error_without_a_code_has_the_generic_one(
    code: str, kind: int, frame: type[CallError] | type[CallResultError]
) -> None:
    text = f'[{kind},"7",{code}]' if code else f'[{kind},"7"]'

    assert parse(text, V21) == frame("7", "GenericError")


@pytest.mark.parametrize(("kind", "frame"), [(4, CallError), (5, CallResultError)])
def test_of_an_error_with_too_many_elements_the_first_five_count(
    kind: int, frame: type[CallError] | type[CallResultError]
) -> None:
    text = f'[{kind},"7","NotSupported","why",{{"a":1}},{{"b":2}}]'

    assert parse(text, V21) == frame("7", "NotSupported", "why", {"a": 1})


# --- the depth of a frame


def nested(opened: str, closed: str, depth: int) -> str:
    return '[2,"7","DataTransfer",' + opened * depth + "1" + closed * depth + "]"


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_F70_a_frame_may_be_nested_32_levels_deep(opened: str, closed: str) -> None:
    assert isinstance(parse(nested(opened, closed, 31), V16), Call)
    assert fault(nested(opened, closed, 32)) == "nested deeper than 32 levels, or brackets do not match"


def test_F70_brackets_without_an_end_are_a_text_that_is_cut_off_while_they_are_few() -> None:
    assert fault('[2,"7","DataTransfer",' + "[" * 31) == CUT_OFF
    assert fault('[2,"7","DataTransfer",' + "[" * 32).startswith("nested deeper")


# --- the faults of invalid frames


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", CUT_OFF),
        ('[2,"7","Heartbeat",{', CUT_OFF),
        ('[3,"7",{', CUT_OFF),
        ("{}", "not a JSON array"),
        ("[]", "an empty array"),
        ('["2","7","Heartbeat",{}]', "the message type is not an integer"),
        ('[2,"7"]', "2 elements instead of 4"),
        ('[2,"7","Heartbeat",{},{}]', "5 elements instead of 4"),
        ('[2,5,"Heartbeat",{}]', "the message id is not a string of 1 to 36 characters"),
        ('[2,"7",5,{}]', "the action is not a string"),
        ("[3,5,{}]", "the message id of an answer is not a string"),
        ('[3,"",{}]', "the message id of an answer is not a string"),
    ],
)
def test_the_fault_of_a_frame_is_named(text: str, reason: str) -> None:
    assert fault(text) == reason


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ('[2,"7","Heartbeat",{', f"The frame is {CUT_OFF}."),
        ('[2,"7"]', "The frame is not a valid RPC message: 2 elements instead of 4."),
    ],
)
def test_the_fault_is_sent_to_the_station(text: str, description: str) -> None:
    assert json.loads(str(answer_to_broken(parse(text, V201), V201)))[3] == description  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[2,"7","Heartbeat",{},{}]', ("7", 2, "Heartbeat")),
        ('[2,5,"Heartbeat",{}]', (None, 2, "Heartbeat")),
        ('[2,"7",5,{}]', ("7", 2, "")),
        ('["2","7","Heartbeat",{}]', ("7", None, "")),
        ('[6,"7"]', ("7", 6, "")),
        ('[2,"7","Heartbeat",{', ("7", 2, "Heartbeat")),
        ("[3,5,{}]", (None, 3, "")),
        ("[3,5,{", (5, 3, "")),
        ('[5,"7","Format', ("7", 5, "")),
        ('[6,"7","NotifyPeriodicEventStream",{', ("7", 6, "NotifyPeriodicEventStream")),
        ("nonsense", (None, None, "")),
    ],
)
def test_the_readable_elements_of_an_invalid_frame_are_kept(
    text: str, expected: tuple[str | int | None, int | None, str]
) -> None:
    frame = parse(text, V21)

    assert isinstance(frame, Broken)
    assert (frame.id, frame.type, frame.action) == expected


@pytest.mark.parametrize("rest", [',"x",{}]', ',"x",{'])
@pytest.mark.parametrize(
    ("given_id", "kept"), [('"7"', "7"), ("5", None), ('""', None), (f'"{"x" * 37}"', None)]
)
def test_R19_an_unknown_type_keeps_a_valid_id(given_id: str, rest: str, kept: str | None) -> None:
    assert parse(f"[9,{given_id}{rest}", V201) == Unknown(9, kept)


@pytest.mark.parametrize("rest", [',"Heartbeat",{},{}]', ',"Heartbeat",{'])
@pytest.mark.parametrize(
    ("given_id", "returned"),
    [
        ("5", 5),
        ("true", None),
        ('""', None),
        (f'"{"x" * 37}"', "x" * 37),
        (f'"{"x" * 255}"', "x" * 255),
        (f'"{"x" * 256}"', None),
    ],
)
def test_R17_1_6_gets_back_an_id_of_at_most_255_characters(
    given_id: str, returned: str | int | None, rest: str
) -> None:
    frame = parse(f"[2,{given_id}{rest}", V16)

    assert isinstance(frame, Broken)
    assert frame.id == returned


# --- errors


def test_a_payload_that_is_not_json_is_a_format_violation() -> None:
    with pytest.raises(FormatViolation, match="not valid JSON"):
        Call(id="7", action="Heartbeat", payload="{").json()


def test_the_error_of_an_invalid_frame_is_its_own_or_one_about_its_reason() -> None:
    own = RpcFrameworkError("Own.")

    assert error_of(Broken("broken", own)) is own
    assert error_of(Broken("broken")).description == "The frame is broken."
    assert isinstance(error_of(Broken("broken")), RpcFrameworkError)
    assert isinstance(error_of(Unknown(9)), MessageTypeNotSupported)


def test_a_lone_surrogate_in_a_description_is_replaced() -> None:
    assert json.loads(pack_error("7", InternalError("a\ud800b"), V16))[3] == "a\ufffdb"
