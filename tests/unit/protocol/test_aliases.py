"""Fields under the name of the other dialect."""

import pytest

from ocpp_server.protocol import aliases, schemas
from ocpp_server.protocol.errors import FormatViolation
from ocpp_server.protocol.versions import V16, V201, VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("action", "kind"), aliases._NAMES)
def test_each_name_is_required_in_its_own_dialect_and_unknown_in_the_other(version, action, kind):
    own, other = aliases._NAMES[action, kind][:: 1 if version == V16 else -1]
    schema = schemas.message_schema(version, action, kind)

    assert own in schema["required"]
    assert other not in schema["required"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_field_is_renamed_once_and_only_if_its_own_name_is_missing(version):
    own, other = ("listVersion", "versionNumber")[:: 1 if version == V16 else -1]
    payload = {other: 3}

    assert aliases.rename(version, "GetLocalListVersion", "response", payload)[:2] == (
        "name-of-other-version",
        other,
    )
    assert payload == {own: 3}
    assert aliases.rename(version, "GetLocalListVersion", "response", payload) is None
    assert aliases.rename(version, "GetLocalListVersion", "response", {own: 1, other: 2}) is None
    assert aliases.rename(version, "Heartbeat", "request", {other: 3}) is None


def test_a_1_6_status_with_an_evse_and_a_connector_keeps_its_names():
    payload = {"evseId": 2, "connectorId": 1, "connectorStatus": "Available"}

    assert aliases.rename(V16, "StatusNotification", "request", payload) is None
    assert aliases.rename(V201, "MeterValues", "request", {"connectorId": 2})[1] == "connectorId"


def test_the_deviation_names_both_fields():
    payload = {"evseId": 2, "meterValue": []}

    assert aliases.rename(V16, "MeterValues", "request", payload) == (
        "name-of-other-version",
        "evseId",
        "is the name in another version: read as connectorId",
    )
    assert payload == {"connectorId": 2, "meterValue": []}


@pytest.mark.parametrize(
    ("version", "payload", "renamed"),
    [
        (V16, {"connectorStatus": "Available"}, "status"),
        (V16, {"connectorStatus": "Available", "evseId": 1}, "status"),
        (V16, {"connectorStatus": "Available", "connectorId": 1}, "status"),
        (V16, {"connectorStatus": "Available", "connectorId": 1, "evseId": 1}, None),
        (V201, {"status": "Available", "connectorId": 1, "evseId": 1}, "connectorStatus"),
    ],
)
def test_a_status_of_the_other_dialect_is_renamed_unless_1_6_names_an_evse_too(version, payload, renamed):
    found = aliases.rename(version, "StatusNotification", "request", payload)

    assert (found is not None) == (renamed is not None)
    assert renamed is None or payload[renamed] == "Available"


def test_a_valid_renamed_payload_has_one_deviation_and_a_strict_station_is_refused():
    payload = {"versionNumber": 3}

    assert [
        each.kind for each in schemas.check(V16, "GetLocalListVersion", "response", payload, strict=False)
    ] == ["name-of-other-version"]
    with pytest.raises(FormatViolation):
        schemas.check(V16, "GetLocalListVersion", "response", {"versionNumber": 3}, strict=True)


def test_a_renamed_payload_with_another_fault_has_both_deviations():
    payload = {"versionNumber": "3"}

    found = schemas.check(V16, "GetLocalListVersion", "response", payload, strict=False)

    assert [each.kind for each in found] == ["name-of-other-version", "text-for-number"]
    assert payload == {"listVersion": 3}
