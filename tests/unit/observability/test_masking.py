"""Copies of payloads and texts without their secrets: the secrets are removed, everything else stays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ocpp_server.observability import addresses, masking
from tests.unit.observability.masked import S, free, masked_json

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
        (f"https://a:{S}@example.com/uploads/7/{S}/log.zip", "https://***@example.com/uploads/7/***/log.zip"),
        (f"no route to /uploads/7/{S}", "no route to /uploads/7/***"),
        ("https://example.com/uploads/log.zip", "https://example.com/uploads/log.zip"),
        (f"https://example.com/firmware/7/{S}/fw.bin", "https://example.com/firmware/7/***/fw.bin"),
        (f"can't GET /firmware/7/{S}", "can't GET /firmware/7/***"),
        ("https://example.com/firmware/v1.2/fw.bin", "https://example.com/firmware/v1.2/fw.bin"),
        (f"https://example.com/receipts/7/{S}", "https://example.com/receipts/7/***"),
        (f"can't GET /receipts/7/{S}?x=1", "can't GET /receipts/7/***?x=1"),
        (f"https://example.com/charge/CP-1/2/{S}/1", "https://example.com/charge/CP-1/2/***/1"),
        ("https://example.com/charge/CP-1", "https://example.com/charge/CP-1"),
        ("https://psp.example.com/receipts/march", "https://psp.example.com/receipts/march"),
    ],
)  # fmt: skip
def test_addresses_lose_their_logins_and_the_secrets_of_their_queries(address: str, shown: str) -> None:
    assert masked_json({"location": address}, "GetDiagnostics") == {"location": shown}
    assert masking.masked_words(address) == shown


@pytest.mark.parametrize("is_known", [True, False])
def test_the_secret_of_an_upload_is_masked_wherever_a_message_repeats_it(is_known: bool) -> None:
    text = f'{{"status":"UploadFailure","info":"https:\\/\\/x.example\\/uploads\\/7\\/{S}\\/"}}'

    shown = masking.masked_text(text, "LogStatusNotification", is_known=is_known)

    assert json.loads(shown)["info"] == "https://x.example/uploads/7/***/"
    assert addresses.masked_path(f"/uploads/7/{S}/log.zip") == "/uploads/7/***/log.zip"
    assert addresses.masked_path("/uploads/log.zip") == "/uploads/log.zip"


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("slash", ["/", "\\/"])
def test_the_secret_of_a_firmware_is_masked_wherever_a_message_repeats_it(is_known: bool, slash: str) -> None:
    text = f'{{"status":"DownloadFailed","info":"/firmware/7/{S}/fw.bin"}}'.replace("/", slash)

    shown = masking.masked_text(text, "FirmwareStatusNotification", is_known=is_known)

    assert json.loads(shown)["info"] == "/firmware/7/***/fw.bin"
    assert addresses.masked_path(f"/firmware/7/{S}/fw.bin") == "/firmware/7/***/fw.bin"


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
