"""Copies of payloads and texts without their secrets: the secrets are removed, everything else stays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ocpp_server.observability import masking
from ocpp_server.protocol import secrets

S = "hunter2-hunter2"


def masked_json(payload: Any, action: str = "") -> Any:
    """The payload masked as text, as the log stores it; the masked object must be the same."""
    found = json.loads(masking.masked_text(json.dumps(payload), action))
    assert masking.masked(payload, action) == found
    return found


# --- payloads -----------------------------------------------------------------------------------------------


def test_the_paths_of_the_table_are_masked_and_their_neighbours_stay() -> None:
    profile = {
        "configurationSlot": 1,
        "connectionData": {
            "ocppCsmsUrl": f"wss://user:{S}@example.com/ocpp?apikey={S}&x=1",
            "identity": "CP-1",
            "basicAuthPassword": S,
            "vpn": {"server": "vpn.example.com", "user": "u", "key": S, "password": S, "type": "IKEv2"},
            "apn": {"apn": S, "apnPassword": S, "simPin": 1234, "useOnlyPreferredNetwork": True},
        },
    }

    assert masked_json(profile, "SetNetworkProfile") == {
        "configurationSlot": 1,
        "connectionData": {
            "ocppCsmsUrl": "wss://***@example.com/ocpp?apikey=***&x=1",
            "identity": "CP-1",
            "basicAuthPassword": "***",
            "vpn": {
                "server": "vpn.example.com",
                "user": "u",
                "key": "***",
                "password": "***",
                "type": "IKEv2",
            },
            "apn": {"apn": "***", "apnPassword": "***", "simPin": "***", "useOnlyPreferredNetwork": True},
        },
    }


def test_the_value_of_a_key_is_masked_by_the_name_of_the_key() -> None:
    answer = {
        "configurationKey": [
            {"key": "WifiPSK", "readonly": False, "value": S},
            {"key": "MeterPublicKey", "readonly": True, "value": "3059"},
            {"key": "EmptyPassword", "readonly": True, "value": ""},
        ],
        "unknownKey": ["AuthorizationKey", "Other"],
    }

    found = masked_json(answer, "GetConfiguration")

    assert [entry["value"] for entry in found["configurationKey"]] == ["***", "3059", ""]
    assert found["unknownKey"] == answer["unknownKey"]


def variable(component: str, name: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": name}, **more}


@pytest.mark.parametrize(
    ("action", "payload", "left"),
    [
        (
            "GetVariables",
            {
                "getVariableResult": [
                    variable("Wifi", "Passphrase", attributeStatus="Accepted", attributeValue=S),
                    variable("Wifi", "Ssid", attributeStatus="Accepted", attributeValue="left"),
                ]
            },
            "left",
        ),
        (
            "SetVariables",
            {"setVariableData": [variable("VendorSecret", "X", attributeValue=S)]},
            "VendorSecret",
        ),
        (
            "SetVariables",
            {
                "setVariableResult": [
                    variable(
                        "Wifi",
                        "Passphrase",
                        attributeStatus="Rejected",
                        attributeStatusInfo={"reasonCode": "TooShort", "additionalInfo": f"{S} is too short"},
                    )
                ]
            },
            "TooShort",
        ),
        (
            "NotifyReport",
            {
                "reportData": [
                    variable(
                        "Wifi",
                        "Passphrase",
                        variableAttribute=[{"type": "Actual", "value": S}],
                        variableCharacteristics={"dataType": "string", "valuesList": f"{S},{S}"},
                    )
                ]
            },
            "Actual",
        ),
        (
            "NotifyEvent",
            {
                "eventData": [
                    variable("Wifi", "Passphrase", actualValue=S, techInfo=f"was {S}", trigger="Delta")
                ]
            },
            "Delta",
        ),
        (
            "NotifyEvent",
            {
                "eventData": [
                    variable("A", "B", actualValue="left", techInfo=f"login with password={S} failed")
                ]
            },
            "left",
        ),
    ],
)
def test_the_value_of_a_variable_is_masked_by_its_name(action: str, payload: Any, left: str) -> None:
    found = json.dumps(masked_json(payload, action))

    assert S not in found
    assert left in found


def test_texts_about_a_secret_stay() -> None:
    event = {"eventData": [variable("A", "B", actualValue="3", techInfo="Wrong password, 3 attempts left")]}

    assert masked_json(event, "NotifyEvent") == event


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (json.dumps({"a": 1, "wifi": {"psk": S}}), json.dumps({"a": 1, "wifi": {"psk": "***"}})),
        (json.dumps([["WifiPSK", S], ["Ssid", "x"]]), json.dumps([["WifiPSK", "***"], ["Ssid", "x"]])),
        (json.dumps({"name": "SimPin", "val": S}), json.dumps({"name": "SimPin", "val": "***"})),
        (json.dumps({"j": json.dumps({"password": S})}), json.dumps({"j": json.dumps({"password": "***"})})),
        (json.dumps(json.dumps({"password": S})), json.dumps(json.dumps({"password": "***"}))),
        (f"a=1&password={S} {S}&b=3", "a=1&password=***&b=3"),
        (f"ssid=x;psk={S},{S}", "ssid=x;psk=***"),
        (f"ssid: x\npsk: {S}", "ssid: x\npsk: ***"),
        (f"<w><ssid>x</ssid><psk>{S}</psk></w>", "<w><ssid>x</ssid><psk>***</psk></w>"),
        (f"the password is {S}", "***"),
        (f'{{"password": "{S}', "***"),
        (f'<w psk="{S}"/>', "***"),
        (f"user=x;psk={S}&more", "user=x;psk=***"),
        (f"-----BEGIN EC PRIVATE KEY-----\n{S}\n-----END EC PRIVATE KEY-----", None),
        ("a=1&b=2", "a=1&b=2"),
        ('{"b" : 1.10}', '{"b" : 1.10}'),
        ("Shipping, mapping and PINpad", "Shipping, mapping and PINpad"),
        ("", ""),
    ],
)
def test_data_of_a_vendor_is_masked_inside_where_it_can_be_read(data: str, found: str | None) -> None:
    shown = masked_json({"vendorId": "com.example", "data": data}, "DataTransfer")["data"]

    assert S not in shown
    if found is not None:
        assert _unspaced(shown) == _unspaced(found)


def _unspaced(text: str) -> str:
    """A text without white space: masking may change the spaces of JSON."""
    return "".join(text.split())


def test_JSON_inside_of_JSON_is_read_to_a_limited_depth() -> None:
    data: Any = {"password": S}
    for _ in range(8):
        data = json.dumps({"inner": data})

    assert S not in json.dumps(masked_json({"vendorId": "x", "data": data}, "DataTransfer"))


def test_data_that_is_no_text_is_masked_too() -> None:
    data = {"cmd": f"set wifi password {S}", "credentials": {"user": S, "on": True, "n": 7}, "ssid": "x"}

    assert masked_json({"vendorId": "x", "data": data}, "DataTransfer")["data"] == {
        "cmd": "***",
        "credentials": {"user": "***", "on": True, "n": "***"},
        "ssid": "x",
    }


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"ftp://user:{S}@example.com/up?x=1", "ftp://***@example.com/up?x=1"),
        (f"ftp://user:{S}/@{S}@example.com/up", "ftp://***@example.com/up"),
        (f"//user:{S}@example.com/up", "//***@example.com/up"),
        (f"ftp://user:{S}@example.com//up", "ftp://***@example.com//up"),
        (f"https://example.com:443/u@2x?X-Amz-Signature={S}&Expires=3",
         "https://example.com:443/u@2x?X-Amz-Signature=***&Expires=3"),
        (f"https://example.com/cb#access_token={S}&x=1", "https://example.com/cb#access_token=***&x=1"),
        (f"two: ftp://a:{S}@x.example/ and ftp://b:{S}@y.example/",
         "two: ftp://***@x.example/ and ftp://***@y.example/"),
        ("https://[2001:db8::1]:443/u@2x", "https://[2001:db8::1]:443/u@2x"),
        ("alice@example.com", "alice@example.com"),
    ],
)  # fmt: skip
def test_addresses_lose_their_logins_and_the_secrets_of_their_queries(address: str, shown: str) -> None:
    assert masked_json({"location": address}, "GetDiagnostics") == {"location": shown}
    assert masking.masked_words(address) == shown


# --- texts --------------------------------------------------------------------------------------------------


def test_a_text_without_secrets_is_returned_unchanged_and_one_with_secrets_keeps_its_numbers() -> None:
    plain = '{ "key" : "Ssid", "value": "1.10" , "n": 1.10 }'
    secret = f'{{"n":1.10,"big":123456789012345678901234567890,"e":1E3,"customData":{{"psk":"{S}"}}}}'

    assert masking.masked_text(plain, "ChangeConfiguration") == plain
    assert masking.masked_text(secret) == secret.replace(S, "***")


@pytest.mark.parametrize(
    "text",
    [
        f'{{"customData":{{"vendorId":"x","wifiPassword":"{S}"}}}}',
        f'{{"custom\\u0044ata":{{"vendorId":"x","wifi\\u0050assword":"{S}"}}}}',
        f'{{"location":"ftp:\\/\\/u:{S}\\u0040x.example\\/"}}',
        f'{{"meterValue":[{{"customData":{{"x":{{"key":"Pin","value":"{S}"}}}}}}]}}',
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_message_of_a_plain_action_is_masked_where_its_schema_ends(text: str, is_known: bool) -> None:
    assert S not in masking.masked_text(text, "MeterValues", is_known=is_known)


def test_a_message_with_unknown_fields_is_masked_by_their_names() -> None:
    assert S not in masking.masked_text(f'{{"connectorId":1,"wifi_psk":"{S}"}}', "MeterValues")


def test_a_text_that_is_no_JSON_and_names_a_secret_is_masked_whole() -> None:
    assert masking.masked_text(f"password {S}") == "***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('[3,"1",{"configurationKey":[]', '[3,"1",{"configurationKey":[]'),
        ('[3,"1",{"a":1.10,"b":"x', '[3,"1",{"a":1.10,"b":…'),
        ('[2,"1","StatusNotification",{"a":NoError,"b":1}]', '[2,"1","StatusNotification",{"a":…'),
        ('[2,"1","Heartbeat",{}]]', '[2,"1","Heartbeat",{}]…'),
        (f'[2,"1","X",{{"key":"WifiPSK","value":"{S}"', '[2,"1","X",{"key":"WifiPSK","value":"***"…'),
        (f'[3,"1",{{"password":"{S}","a":', '[3,"1",{"password":"***"…'),
        # The name of the key comes after its value, and is cut off.
        (f'[3,"1",[{{"key":"A","value":"1"}},{{"value":"{S}"',
         '[3,"1",[{"key":"A","value":"1"},{"value":"***"…'),
        (f'[3,"1",[{{"attributeValue":"{S}","variable":{{"na',
         '[3,"1",[{"attributeValue":"***","variable":{…'),
        (f'[3,"1",{{"value":{{"x":"{S}"}},"ke', '[3,"1",{"value":"***"…'),
        # A missing quote swaps names and values.
        (f'[2,"1","X",{{"a":"x,"password":"{S}"}}]', '[2,"1","X",{"a":"x,"…'),
        (f'[2,"1","X",{{"a":"ftp://user:{S}', '[2,"1","X",{"a":…'),
        (f'[2,"1","X",{{"password":"{S}","password":""}}x', '[2,"1","X",{"password":""}…'),
        ("[" * 9999 + "psk", "[" * 64 + "…"),
        ("\x00[2]\x00", "\ufffd[2]"),
    ],
)  # fmt: skip
def test_of_invalid_JSON_the_values_before_the_fault_are_shown_without_secrets(text: str, shown: str) -> None:
    assert masking.masked_frame(text) == shown
    assert masking.masked_frame(shown) == shown


@pytest.mark.parametrize("text", ["", "[2,7,", "hello", "null", "3", '"hello"', "[]"])
def test_invalid_JSON_that_names_no_secret_stays(text: str) -> None:
    assert masking.masked_text(text, "DataTransfer") == text


def test_a_payload_that_is_too_deep_is_hidden_where_it_is() -> None:
    deep = masking.masked_text("[" * 100 + f'"password {S}"' + "]" * 100)

    assert S not in deep


def test_secrets_of_a_request_are_recognised_where_its_answer_repeats_them() -> None:
    echoes = masking.secrets_in({"key": "WifiPSK", "value": S}, "ChangeConfiguration")

    assert echoes == {S}
    assert masking.masked_words(f"{S} is too long", echoes=echoes) == "*** is too long"
    assert masking.masked({"x": [f"not {S}"]}, echoes=echoes) == {"x": ["not ***"]}
    assert masking.masked_text(f'{{"x":"not {S}"}}', "Reset", echoes=echoes) == '{"x":"not ***"}'
    assert masking.secrets_in({"key": "SimPin", "value": "1234"}, "ChangeConfiguration") == frozenset()


@pytest.fixture
def configured() -> Iterator[None]:
    secrets.configure(["Color"])
    yield
    secrets.configure([])


def test_the_names_of_the_setting_count_everywhere(configured: None) -> None:
    assert masked_json({"key": "Vendor.Color", "value": S}, "ChangeConfiguration")["value"] == "***"
    assert masked_json({"vendorId": "x", "data": f"color={S}"}, "DataTransfer")["data"] == "color=***"
    assert masking.masked_text(f'{{"colour":1,"color":"{S}"}}', "MeterValues") == '{"colour":1,"color":"***"}'


@pytest.mark.parametrize(
    "data",
    ["/" * 10**6 + "@=", "?" * 10**6 + "//@=", " " * 10**6 + "password", "psk " * 250_000,
     "<a>" * 300_000 + "</psk", "//a=b&" * 100_000 + "@", "psk:" + " " * 10**6 + "x", '"' * 10**6,
     "{" * 10**6 + "key"],
    ids=["slashes", "questions", "blanks", "names", "elements", "pairs", "value", "quotes", "braces"],
)  # fmt: skip
def test_a_hostile_text_of_a_megabyte_costs_no_more_than_reading_it(data: str) -> None:
    began = time.process_time()
    masking.masked_text(json.dumps({"vendorId": "x", "data": data}), "DataTransfer")

    # Seconds; the slowest takes 0.4 on a slow machine, and quadratic time would be minutes.
    assert time.process_time() - began < 10


def test_the_fields_of_a_vendor_may_hold_a_secret_in_any_form() -> None:
    pairs = {"customData": {"vendorId": "V", "pairs": [["WifiPSK", S], ["Wifi", "left"]]}}
    named = {"data": json.dumps({"Key": "WifiPSK", "Value": S, "Other": "left"})}

    for payload in (pairs, named):
        found = json.dumps(masking.masked(payload, "DataTransfer"))
        assert S not in found
        assert "WifiPSK" in found and "left" in found


def test_objects_that_are_too_deep_are_hidden_where_they_are() -> None:
    payload: dict[str, Any] = {"text": "left"}
    for _ in range(100):
        payload = {"inner": payload}

    found = json.dumps(masking.masked(payload))

    assert "left" not in found
    assert found.count("inner") == 65


@pytest.mark.parametrize(
    "name",
    ["pass", "secret", "apiKey", "authToken", "credential", "psk", "pwd", "pin", "apn", "pw", "puk", "otp",
     "kennwort", "connectionString"],
)  # fmt: skip
@pytest.mark.parametrize("written", [str.lower, str.upper, str])
def test_a_message_of_a_plain_action_is_masked_by_every_kind_of_name(
    name: str, written: Callable[[str], str]
) -> None:
    text = f'{{"{written(name)}":"{S}"}}'

    assert masking.masked_text(text, "MeterValues") == text.replace(S, "***")
    assert S not in free(f"the {written(name)} is {S}")


# --- which texts are read -----------------------------------------------------------------------------------


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


# --- texts of vendors ---------------------------------------------------------------------------------------


def free(data: str) -> str:
    """A text of a vendor, masked."""
    found: str = masking.masked({"vendorId": "x", "data": data}, "DataTransfer")["data"]
    return found


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
