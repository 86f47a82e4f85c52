"""Masked texts of vendors: names of secrets, their values, and the limits of reading."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocpp_server.observability import masking
from tests.unit.observability.masked import S, free, masked_json


@pytest.mark.parametrize(
    "data",
    [
        '{"password":null}',
        '{"password":""}',
        '  {"publicKey": 1}',
        '["keypad"]',
        "Spin 3",
        "a Spin 3",
        "Shipping 3",
        "key " * 200,
        "publicKey=1",
        "the keyboard",
        "keykey keypad",
        "</psk> x",
        "Xpin 3",
    ],
)
def test_a_text_that_names_no_secret_stays(data: str) -> None:
    assert free(data) == data


@pytest.mark.parametrize(
    "data",
    [
        "simpin 1234",
        "a simpin 1234",
        "doorPin 1234",
        "pskA length 8",
        "keykey psk x",
        "keypad, then the psk",
        "key " * 201,
        "password",
        "Straße: the password is x",
        "ß" * 100 + " the password is x",
        "<a>password x</a>",
        "*** password x",
        "<psk>x</psk> and psk x",
        '{"p\\u0073k":"x","a":"\\ud800"}',
        '{"password": "x"} and more',
    ],
)
def test_a_text_that_names_a_secret_without_a_known_format_is_masked_whole(data: str) -> None:
    assert free(data) == "***"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("ssid=x,psk=S", "ssid=x,psk=***"),
        (";psk=S;a=b", ";psk=***;a=b"),
        ("a=1;;psk=S", "a=1;;psk=***"),
        ("'psk': S\n'ssid' = x;y&z,", "'psk': ***\n'ssid' = x;y&z,"),
        ("psk: S and more; token", "psk: ***"),
        ("'ssid' = x\n'psk': S", "'ssid' = x\n'psk': ***"),
        ("a=psk S&psk=S", "***"),
        ('  {"psk":"S","ssid":"x"}', '{"psk":"***","ssid":"x"}'),
        ('  [["psk","S"]]', '[["psk","***"]]'),
        ('  "psk=S"', '"psk=***"'),
        ('{"psk":"S","a":"\\ud800"}', "***"),
        ("<a><psk id='1'>S</psk><b>x</b></a>", "***"),
        ("<psk>S</psk><pin>S</pin>", "<psk>***</psk><pin>***</pin>"),
    ],
)
def test_a_secret_in_a_known_format_is_masked_alone(data: str, shown: str) -> None:
    assert free(data) == shown


@pytest.mark.parametrize(("length", "shown"), [(53, True), (54, False)])
def test_a_name_is_read_to_64_characters_after_its_hint(length: int, shown: bool) -> None:
    """A harmless end, such as that of PasswordLength, counts only within them."""
    data = f"password{'a' * length}_length 8"

    assert free(data) == (data if shown else "***")


@pytest.mark.parametrize(("length", "shown"), [(64, True), (65, False)])
def test_a_name_is_read_to_64_characters_before_its_hint(length: int, shown: bool) -> None:
    data = f"x {'-' * (length - 1)}Spin 8" if length == 64 else f"x S{'.' * 64}pin 8"

    assert free(data) == (data if shown else "***")


def test_a_name_without_a_value_is_masked_in_the_text_of_a_vendor_alone() -> None:
    sentence = "The password is too short"

    assert masking.masked_words(sentence) == sentence
    assert free(sentence) == "***"
    assert masking.masked({"customData": {"x": sentence}}) == {"customData": {"x": "***"}}
    assert masking.masked({"info": sentence, "unknownKey": [["WifiPSK", "x"]]}) == {
        "info": sentence,
        "unknownKey": [["WifiPSK", "x"]],
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=x", "password=***"),
        ("password : x", "password : ***"),
        ("set password='x' now", "***"),
        ("password=", "password="),
        ("password x", "password x"),
        ('{"password" "x"', '{"password" "x"'),
        ("a password=x, b", "***"),
        ("İ" * 30 + " password=x", "***"),
    ],
)
def test_a_sentence_is_masked_where_a_value_follows_the_name(text: str, shown: str) -> None:
    assert masking.masked_words(text) == shown


def test_an_instance_names_a_secret_as_a_name_does() -> None:
    def item(component: dict[str, str], variable: dict[str, str]) -> dict[str, Any]:
        return {"component": component, "variable": variable, "attributeValue": "x"}

    items = [
        item({"name": "A", "instance": "Password"}, {"name": "B"}),
        item({"name": "A"}, {"name": "B", "instance": "Password"}),
        item({"name": "A", "instance": "C"}, {"name": "B", "instance": "D"}),
    ]

    found = masked_json({"getVariableResult": items}, "GetVariables")["getVariableResult"]

    assert [each["attributeValue"] for each in found] == ["***", "***", "x"]


def test_a_configured_name_is_found_among_ten_thousand_words(configured: None) -> None:
    assert free("color x") == "***"
    assert free("a " * 9_999 + "color") == "***"
    assert free("a " * 10_000) == "a " * 10_000
    assert free("colour x") == "colour x"


def test_a_text_of_more_words_than_are_read_is_masked_whole(configured: None) -> None:
    assert free("a " * 10_000 + "color x") == "***"
    assert free("a " * 10_001) == "***"


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        (["WifiPSK", S], ["WifiPSK", "***"]),
        (["WifiPSK", [S, {"a": S}]], ["WifiPSK", ["***", {"a": "***"}]]),
        (["WifiPSK", 1234, True, "x"], ["***", "***", True, "x"]),
        (["set", "WifiPSK", S], ["set", "***", "***"]),
        (["Ssid", "x", "WifiPSK", S], ["Ssid", "x", "***", "***"]),
        (["the psk is x", S], ["***", "***"]),
        (["Ssid", "x"], ["Ssid", "x"]),
        (["WifiPSK"], ["***"]),
        ([1, 2], [1, 2]),
        ([], []),
    ],
)
def test_an_item_after_the_name_of_a_secret_is_masked(items: list[Any], shown: list[Any]) -> None:
    for payload, found in ((items, shown), ([items], [shown]), ({"a": items}, {"a": shown})):
        assert masked_json({"vendorId": "x", "data": payload}, "DataTransfer")["data"] == found
        assert json.loads(free(json.dumps(payload))) == found
    assert masking.masked({"customData": {"x": items}})["customData"]["x"] == shown


def test_an_echo_is_masked_in_the_escapes_of_JSON_inside_of_JSON() -> None:
    payload = {"password": "other", "data": json.dumps({"a": "not grüße-1"})}

    found = masking.masked(payload, "DataTransfer", echoes=["grüße-1"])

    assert found == {"password": "***", "data": '{"a":"not ***"}'}


def test_one_echo_and_one_secret_are_both_masked() -> None:
    payload = f'{{"a":"not {S}","password":"other"}}'

    assert masking.masked_text(payload, "DataTransfer", echoes=[S]) == '{"a":"not ***","password":"***"}'


def test_only_a_property_that_holds_names_keeps_the_name_of_a_secret() -> None:
    data = {"name": "psk", "value": "x", "mode": "psk"}

    assert masked_json({"vendorId": "x", "data": data}, "DataTransfer")["data"] == {
        "name": "psk",
        "value": "***",
        "mode": "***",
    }
