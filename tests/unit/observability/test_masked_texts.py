"""Masked texts of messages and frames: which are read, to which depth, and how often a secret is found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocpp_server.observability import masking
from tests.unit.observability.masked import S, masked_json


@pytest.mark.parametrize(
    ("text", "action"),
    [
        (f'{{"key":"WifiPSK","value":"{S}"}}', "ChangeConfiguration"),
        (f'{{"location":"ftp://user:{S}@x.example/"}}', "MeterValues"),
        (f'{{"customData":{{"vendorId":"x","psk":"{S}"}}}}', "MeterValues"),
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_text_that_can_hold_a_secret_is_read(text: str, action: str, is_known: bool) -> None:
    assert masking.masked_text(text, action, is_known=is_known) == text.replace(S, "***").replace("user:", "")


@pytest.mark.parametrize("text", ['{"connectorId":1,"x":[1.10]}', "[2,7,x]", '{"idToken":A}'])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_text_of_a_plain_action_without_a_hint_is_stored_as_it_is(text: str, is_known: bool) -> None:
    assert masking.masked_text(text, "MeterValues", is_known=is_known) == text


def test_only_the_secrets_of_actions_that_have_some_are_looked_for_in_answers() -> None:
    value = {"key": "SimPin", "value": "123456"}

    assert masking.secrets_in(value, "Heartbeat") == frozenset()
    assert masking.secrets_in(value, "ChangeConfiguration") == {"123456"}
    assert masking.secrets_in(value | {"value": "12345"}, "ChangeConfiguration") == frozenset()


def test_of_two_secrets_that_overlap_the_longer_one_is_masked_first() -> None:
    echoes = ["a-zzzzzz-b", "zzzzzz", "b-zzzzzz"]

    assert masking.masked_words("it was a-zzzzzz-b", echoes=echoes) == "it was ***"
    assert masking.masked_words("it was b-zzzzzz", echoes=reversed(echoes)) == "it was ***"


def test_a_frame_is_masked_by_the_paths_of_its_action() -> None:
    frame = f'[2,"1","SetNetworkProfile",{{"connectionData":{{"vpn":{{"key":"{S}","type":"IKEv2"}}}}}}]'

    assert masking.masked_frame(frame) == frame.replace(S, "***")
    assert masking.masked_frame(f" {frame}") == frame.replace(S, "***")
    assert masking.masked_frame(frame.replace("[2", "[6")) == frame.replace(S, "***").replace("[2", "[6")
    assert masking.masked_frame(frame.replace("[2", "[3")) == frame.replace("[2", "[3")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f'{{"a":1,"password":"{S}","c":', '{"a":1,"password":"***"…'),
        (f'\x00[2,"1","X",{{"password":"{S}"}}]\x00', '[2,"1","X",{"password":"***"}]'),
        (f'[2,"1","X",{{"password":"{S}"}}', '[2,"1","X",{"password":"***"}…'),
        (f'[2,"1","X",{{"password":"{S}","a":"\\ud800"',
         '[2,"1","X",{"password":"***","a":"\ufffd"…'),
        (f'[2,"1","X",{{"password":"{S}","a":"\\ud800"}}]', '[2,"1","X",{"password":"***","a":"\ufffd"}]'),
    ],
)  # fmt: skip
def test_the_beginning_of_a_broken_frame_ends_with_a_mark_where_more_may_have_followed(
    text: str, shown: str
) -> None:
    assert masking.masked_frame(text) == shown


def test_numbers_keep_their_spelling_beside_a_secret_at_every_level() -> None:
    inner = f'{{"psk":"{S}","a":1.10,"b":-0,"c":1E3}}'
    outer = f'{{"n":-0,"m":2.50,"data":{json.dumps(inner)}}}'

    assert masking.masked_text(outer, "DataTransfer") == outer.replace(S, "***")


# --- counting what was masked -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        {"password": S, "location": f"ftp://user:{S}@x.example/"},
        {"password": S, "data": f"a=1&psk={S}"},
        {"password": S, "data": json.dumps({"a": "x"})},
        {"data": json.dumps({"a": json.dumps({"psk": S}), "b": json.dumps({"c": "x"})})},
        {"data": f"a=1&psk={S}", "location": f"ftp://user:{S}@x.example/"},
        {"password": S, "pin": S, "data": json.dumps({"psk": S})},
        {"data": f"a=1&psk={S}", "more": {"data": json.dumps({"a": f"a=1&psk={S}"})}},
        {"data": json.dumps({"psk": S}), "more": {"data": json.dumps({"pin": S, "token": S})}},
        {"location": f"ftp://user:{S}@x.example/", "data": json.dumps({"x": f"ftp://user:{S}@x.example/"})},
        {"location": f"ftp://user:{S}@x.example/", "more": "plain", "password": S},
        {"location": f"ftp://user:{S}@x.example/", "more": "//x.example?a=b", "password": ""},
    ],
)
def test_every_secret_of_a_payload_is_masked_wherever_else_another_one_was(parts: dict[str, Any]) -> None:
    assert S not in masking.masked_text(json.dumps(parts), "DataTransfer")
    assert S not in json.dumps(masking.masked(parts, "DataTransfer"))


def test_an_echo_in_each_of_several_texts_is_masked() -> None:
    payload = {"a": f"x {S}", "password": "other", "data": json.dumps({"a": f"y {S}"})}

    found = masking.masked_text(json.dumps(payload), "DataTransfer", echoes=[S])

    assert S not in found and "other" not in found
    assert masking.masked_text('{"a":"x"}', "DataTransfer", echoes=[S]) == '{"a":"x"}'


# --- depth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("levels", "shown"), [(64, "text"), (65, "***")])
@pytest.mark.parametrize("in_objects", [True, False])
def test_values_below_64_levels_are_masked(levels: int, shown: str, in_objects: bool) -> None:
    value: Any = "text"
    for _ in range(levels):
        value = {"a": value} if in_objects else [value]

    found = masking.masked(value)
    for _ in range(levels):
        found = found["a"] if in_objects else found[0]

    assert found == shown


def nested(levels: int) -> str:
    """JSON inside of JSON: this many levels of text, with a harmless value beside each."""
    data = json.dumps({"psk": S, "level": 1})
    for level in range(2, levels + 1):
        data = json.dumps({"inner": data, "level": level})
    return data


@pytest.mark.parametrize(("levels", "shown"), [(1, True), (4, True), (5, False)])
def test_four_levels_of_JSON_inside_of_JSON_are_read(levels: int, shown: bool) -> None:
    found = masked_json({"vendorId": "x", "data": nested(levels)}, "DataTransfer")["data"]

    assert S not in found
    for _ in range(min(levels, 4) - 1):
        found = json.loads(found)["inner"]
    assert (found != "***") is True
    inner = json.loads(found)
    assert inner == {"psk": "***", "level": 1} if shown else inner["inner"] == "***"


def test_every_text_is_read_to_the_same_depth() -> None:
    many = [nested(4)] * 6 + [nested(5)]

    found = masked_json({"vendorId": "x", "data": many}, "DataTransfer")["data"]

    for each in found:
        innermost = each
        for _ in range(3):
            innermost = json.loads(innermost)["inner"]
        assert json.loads(innermost) in ({"psk": "***", "level": 1}, {"inner": "***", "level": 2})
    assert S not in json.dumps(found)
