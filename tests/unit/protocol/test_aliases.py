"""Fields under the name of the other dialect."""

import pytest

from ocpp_server.protocol import aliases, schemas
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
