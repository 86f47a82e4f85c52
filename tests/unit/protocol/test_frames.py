import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocpp_server.protocol.errors import FormatViolation, PropertyConstraintViolation
from ocpp_server.protocol.frames import (
    Broken,
    Call,
    CallError,
    CallResultError,
    Send,
    Unknown,
    answer_to_broken,
    pack_call,
    pack_result,
    parse,
)
from ocpp_server.protocol.versions import V2X, V16, V21, V201, VERSIONS

LONG_ID = "x" * 37


def answer(text, version):
    """The frame that answers an invalid frame; a valid message fails the test."""
    frame = parse(text, version)
    assert isinstance(frame, Broken | Unknown), frame
    packed = answer_to_broken(frame, version)
    return None if packed is None else json.loads(packed)


@pytest.mark.parametrize("version", VERSIONS)
def test_R07_a_call_is_read_and_its_payload_is_left_as_text(version):
    text = '[2, "id-1", "StartTransaction", {"a": 1.10, "b": 9007199254740993, "ü": "\\u00fc"}]'

    frame = parse(text, version)

    assert frame == Call(
        id="id-1", action="StartTransaction", payload='{"a": 1.10, "b": 9007199254740993, "ü": "\\u00fc"}'
    )
    assert frame.json() == {"a": 1.1, "b": 9007199254740993, "ü": "ü"}
    assert frame.repairs == ()


def test_R07_an_empty_result_is_an_object_and_not_null():
    assert pack_result("1", {}) == '[3,"1",{}]'
    assert pack_result('a"b', '{"x":1.10}') == '[3,"a\\"b",{"x":1.10}]'


def test_R35_sent_frames_are_compact():
    assert pack_call("1", "Reset", {"type": "Soft"}) == '[2,"1","Reset",{"type":"Soft"}]'


# Frames whose id cannot be read, and frames that break after it.
NO_ID = [
    "", " ", "x", "[", "[]", "{}", "null", "2", '"text"', "[2,", "[2]x", '{"2":1}', '[2,"1', "[2,7", "[2,{}",
    "\x00", "[" * 100_000, '[2,"' + "x" * 300 + '","Heartbeat",{}', '[2,"\\x","Heartbeat",{',
]  # fmt: skip
WITH_ID = [
    '[2,"1"', '[2,"1","Heartbeat"', '[2,"1","Heartbeat",{}', '\n[ 2 , "1" , "Heartbeat" , {',
    "\ufeff" + '[2,"1","Heartbeat",{}]',
    '[2,"1","Heartbeat",{}] [2,"2","Heartbeat",{}]',
    '[2,"1","Heartbeat",{}]x',
    '[2,"1","Heartbeat",{"a":NaN}]',
    '[2,"1","Heartbeat",{"a":Infinity}]',
    '[2,"1","Heartbeat",{"a":-Infinity}]',
    '[2,"1","Heartbeat",{"a":01}]',
    '[2,"1","Heartbeat",{\'a\':1}]',
    '[2,"1","Heartbeat",{"a":Heartbeat}]',
    '[2,"1","Heartbeat",' + '{"a":' * 100_000,
    '[2,"1","Heartbeat",' + "[" * 40 + "]" * 40 + "]",
]  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("text", WITH_ID, ids=range(len(WITH_ID)))
def test_R16_F70_F71_F74_an_invalid_frame_is_answered_with_the_id_that_can_be_read(text, version):
    kind, message_id, code, description, details = answer(text, version)

    assert (kind, message_id, details) == (4, "1", {})
    assert code == ("FormationViolation" if version == V16 else "RpcFrameworkError")
    assert 0 < len(description) <= 255
    assert "Heartbeat" not in description, "invalid JSON is never echoed"


@pytest.mark.parametrize("version", V2X)
@pytest.mark.parametrize("text", NO_ID, ids=range(len(NO_ID)))
def test_R16_an_invalid_frame_without_a_readable_id_is_answered_with_minus_one_in_2x(text, version):
    assert answer(text, version)[:3] == [4, "-1", "RpcFrameworkError"]


@pytest.mark.parametrize("text", NO_ID, ids=range(len(NO_ID)))
def test_R16_1_6_stays_silent_when_no_id_can_be_read(text):
    assert answer(text, V16) is None


def test_the_fault_of_an_invalid_frame_is_named_and_placed():
    assert answer('[2,"1","Heartbeat",{"a":NaN}]', V16)[3] == (
        "The frame is not valid JSON: invalid character (byte 24)."
    )
    assert answer('[2,"1","Heartbeat",{"a":', V16)[3] == "The frame is not valid JSON: the text is cut off."


@pytest.mark.parametrize(
    ("written", "read"),
    [("a\nb", "a\nb"), ("a\tb\r", "a\tb\r"), ("\x01", "\x01"), ("a\x00", "a\ufffd"), ("\\n\n", "\n\n")],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_raw_control_characters_are_read_counted_and_refused_only_if_strict(version, written, read):
    text = f'[2,"1","DataTransfer",{{"vendorId":"{written}"}}]\x00'

    frame = parse(text, version)

    assert frame.json() == {"vendorId": read}
    assert frame.repairs == ("control-characters",)
    assert parse(text, version, strict=True).id == "1"
    assert isinstance(parse(text, version, strict=True), Broken)


def test_a_control_character_does_not_hide_another_fault():
    assert answer('[2,"1","DataTransfer",{"vendorId":"a\n"', V16)[:3] == [4, "1", "FormationViolation"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_without_a_payload_has_an_empty_one(version):
    frame = parse('[2,"7","Heartbeat"]', version)

    assert (frame.json(), frame.repairs) == ({}, ("missing-payload",))
    assert isinstance(parse('[2,"7","Heartbeat"]', version, strict=True), Broken)


@pytest.mark.parametrize("text", ['[2,"7"]', '[2,"7",5]', '[2,"7","Heartbeat",{},{}]'])
def test_R16_a_call_of_the_wrong_length_is_refused_under_its_own_id(text):
    assert answer(text, V201)[:3] == [4, "7", "RpcFrameworkError"]
    assert answer(text, V16)[:3] == [4, "7", "FormationViolation"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("text", "kind"), [('[3,"7",{"status":', 3), ('[3,"7"', 3), ('[3,"7",{}]]', 3), ('[4,"7","NotSup', 4)]
)
def test_a_broken_answer_belongs_to_its_call_and_is_not_answered(version, text, kind):
    frame = parse(text, version)

    assert (frame.id, frame.type, frame.payload) == ("7", kind, text)
    with pytest.raises(FormatViolation):
        frame.json()


@pytest.mark.parametrize("text", ['[6,"7","NotifyPeriodicEventStream",{', '[5,"7","Format'])
def test_R28_a_broken_send_and_a_broken_result_error_are_never_answered(text):
    assert answer(text, V21) is None
    assert parse(text, V201) == Unknown(int(text[1]), "7")


def test_R19_an_unknown_message_type_is_unknown_in_a_frame_that_is_no_JSON_too():
    assert parse('[9,"7",{', V16) == Unknown(9, "7")


@pytest.mark.parametrize("given_id", ["5", "null", '""', f'"{LONG_ID}"', "true", "{}", "[1]", "1e400"])
@pytest.mark.parametrize("version", V2X)
def test_R17_an_invalid_message_id_is_answered_with_minus_one_in_2x(given_id, version):
    assert answer(f'[2,{given_id},"Heartbeat",{{}}]', version)[:3] == [4, "-1", "RpcFrameworkError"]


def test_R17_1_6_returns_an_id_that_the_station_can_recognise():
    assert answer('[2,5,"Heartbeat",{}]', V16)[:3] == [4, 5, "FormationViolation"]
    assert answer('[2,0,"Heartbeat",{', V16)[:3] == [4, 0, "FormationViolation"]
    assert answer(f'[2,"{LONG_ID}","Heartbeat",{{}}]', V16)[:3] == [4, LONG_ID, "FormationViolation"]
    assert answer('[2,null,"Heartbeat",{}]', V16) is None
    assert answer('[2,"","Heartbeat",{}]', V16) is None


def test_R17_an_id_of_36_characters_is_valid():
    assert parse(f'[2,"{"x" * 36}","Heartbeat",{{}}]', V16).id == "x" * 36


@pytest.mark.parametrize("action", ['{"a":1}', "[1]", "5", "null", '""'])
def test_R18_an_action_that_is_no_string_is_refused(action):
    text = f'[2,"7",{action},{{}}]'

    assert answer(text, V16)[:3] == [4, "7", "FormationViolation"]
    assert answer(text, V201)[:3] == [4, "7", "RpcFrameworkError"]


def test_R19_an_unknown_message_type_is_ignored_in_1_6_and_2_1_and_refused_in_2_0_1():
    text = '[9,"7","x",{}]'

    assert parse(text, V16) == Unknown(9, "7")
    assert answer(text, V16) is None
    assert answer(text, V21) is None
    assert answer(text, V201)[:3] == [4, "7", "MessageTypeNotSupported"]
    assert answer("[9]", V201)[:3] == [4, "-1", "MessageTypeNotSupported"]


@pytest.mark.parametrize("number", ["2.0", '"2"', "true", "2e0", "null", "1" * 400])
@pytest.mark.parametrize("version", VERSIONS)
def test_R19_only_the_integer_2_is_a_call(number, version):
    assert isinstance(parse(f'[{number},"7","Heartbeat",{{}}]', version), Broken)


def test_R27_R28_types_5_and_6_exist_in_2_1_only():
    refusal, send = '[5,"7","TypeConstraintViolation","no",{}]', '[6,"7","NotifyPeriodicEventStream",{}]'

    assert parse(refusal, V21) == CallResultError("7", "TypeConstraintViolation", "no", {})
    assert parse(send, V21) == Send(id="7", action="NotifyPeriodicEventStream", payload="{}")
    for version in (V16, V201):
        assert parse(refusal, version) == Unknown(5, "7")
        assert parse(send, version) == Unknown(6, "7")


@pytest.mark.parametrize("text", ['[6,"7"]', '[6,5,"NotifyPeriodicEventStream",{}]', '[6,"7",{},{}]'])
def test_R28_a_broken_send_is_never_answered(text):
    assert answer(text, V21) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[4,"7","NotSupported","why",{"a":1}]', CallError("7", "NotSupported", "why", {"a": 1})),
        ('[4,"7","NotSupported","why"]', CallError("7", "NotSupported", "why")),
        ('[4,"7","NotSupported"]', CallError("7", "NotSupported")),
        ('[4,"7","NotSupported",null,null]', CallError("7", "NotSupported")),
        ('[4,"7","Vendor","",["x"]]', CallError("7", "Vendor", "", {"details": ["x"]})),
        ('[4,"7"]', CallError("7", "GenericError")),
        ('[4,"7",{},5,5,5]', CallError("7", "GenericError", "", {"details": 5})),
    ],
)
def test_R29_an_error_of_the_station_is_read_however_incomplete(text, expected):
    assert parse(text, V16) == expected


def test_R29_a_broken_answer_is_not_answered():
    for text in ("[3]", "[3,5,{}]", "[4,null]", '[4,"","NotSupported","",{}]'):
        assert answer(text, V201) is None


def test_a_null_payload_reads_as_an_empty_object_and_can_be_counted():
    frame = parse('[2,"7","Heartbeat",null]', V16)

    assert frame.json() == {}
    assert frame.null_payload


@pytest.mark.parametrize("payload", ["[]", "5", '"x"', "true"])
def test_a_payload_that_is_no_object_is_a_format_violation(payload):
    frame = parse(f'[2,"7","Heartbeat",{payload}]', V16)

    with pytest.raises(FormatViolation):
        frame.json()


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400, "1" * 5000])
def test_F71_a_number_beyond_a_double_is_refused(number):
    frame = parse(f'[2,"7","Heartbeat",{{"a":{number}}}]', V16)

    with pytest.raises(PropertyConstraintViolation):
        frame.json()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\u0000b", "a\ufffdb"),
        (r"\ud800", "\ufffd"),
        (r"\uDFFFx", "\ufffdx"),
        (r"\ud800\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\\u0000", "\\\ufffd"),
    ],
)
def test_F72_escapes_that_no_database_stores_are_replaced_and_noticed(written, read):
    frame = parse(f'[2,"7","DataTransfer",{{"vendorId":"{written}"}}]', V16)

    assert frame.json() == {"vendorId": read}
    assert frame.repairs == ("unstorable-text",)


@pytest.mark.parametrize("written", [r"\ud83d\ude00", r"\\u0000", r"\u00e9", r"\\ud800"])
def test_F72_harmless_escapes_are_left_alone(written):
    frame = parse(f'[2,"7","DataTransfer",{{"vendorId":"{written}"}}]', V16)

    assert frame.payload == f'{{"vendorId":"{written}"}}'
    assert frame.repairs == ()


def test_F72_a_lone_surrogate_in_the_text_itself_is_replaced():
    frame = parse('[2,"7","DataTransfer",{"vendorId":"\ud800"}]', V16)

    assert frame.json() == {"vendorId": "\ufffd"}
    assert frame.repairs == ("unstorable-text",)


def test_F73_of_duplicate_keys_the_last_one_counts():
    assert parse('[2,"7","DataTransfer",{"a":1,"a":2}]', V16).json() == {"a": 2}


def test_F70_brackets_inside_strings_do_not_count_as_depth():
    frame = parse('[2,"7","DataTransfer",{"data":"' + "[{" * 500 + r"\"[" + '"}]', V16)

    assert isinstance(frame, Call)


def test_F75_a_wide_frame_is_not_a_deep_one():
    frame = parse('[2,"7","DataTransfer",{"a":[' + ",".join(["{}"] * 10_000) + "]}]", V16)

    assert isinstance(frame, Call)


@pytest.mark.parametrize("filler", ['\\"', "[{", '"[', "\\", "{}", "\n"])
def test_F70_hostile_megabytes_take_linear_time(filler):
    text = '[2,"7","DataTransfer",' + "[" * 40 + '"' + filler * (1_000_000 // len(filler))

    started = time.process_time()
    frame = parse(text, V16)

    assert isinstance(frame, Broken)
    assert time.process_time() - started < 2


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


def _survives(text):
    for version in VERSIONS:
        frame = parse(text, version)
        if isinstance(frame, Broken | Unknown):
            packed = answer_to_broken(frame, version)
            assert packed is None or json.loads(packed)[0] == 4


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_parse_never_raises_on_any_text(text):
    _survives(text)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_json, max_size=6), st.booleans())
def test_parse_never_raises_on_any_array(parts, ascii_only):
    _survives(json.dumps(parts, ensure_ascii=ascii_only))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(2, 6),
    st.data(),
)
def test_parse_never_raises_on_a_damaged_frame(kind, data):
    text = f'[{kind},"id","Action",{{"a":[1,"\\ud83d\\ude00",{{}}],"b":-1.5e3}}]'
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))

    _survives(text[:start] + data.draw(st.text(max_size=6)) + text[end:])
