"""The paths of secrets: the column of THE TABLE against the properties of the schemas."""

from __future__ import annotations

import pytest

from ocpp_server.protocol import schemas, secrets
from ocpp_server.protocol.actions import ACTIONS, FREE
from tests.unit.protocol.secrets.messages import MESSAGES, properties


def test_every_path_of_the_table_is_one_of_a_schema() -> None:
    known = properties()

    for row in ACTIONS.values():
        for path in set(row.secret_paths) - {FREE}:
            assert (row.name, path) in known


def test_messages_that_are_not_masked_have_only_the_published_fields() -> None:
    """A valid message may stay unmasked because an unknown field is a deviation, or is in customData."""
    open_ones = []
    for version, action, kind in MESSAGES:
        schema = schemas.message_schema(version, action, kind)
        for node in (schema, *schema.get("definitions", {}).values()):
            if node.get("type") == "object" and node.get("additionalProperties") is not False:
                open_ones.append((action, node.get("javaType", "")))

    assert {name for _, name in open_ones} == {"CustomData"}


@pytest.mark.parametrize(
    ("action", "names", "is_secret"),
    [
        ("SetNetworkProfile", ["connectionData", "vpn", "key"], True),
        ("SetNetworkProfile", ["connectionData", "vpn", "key", "below"], True),
        ("SetNetworkProfile", ["connectionData", "vpn", "type"], False),
        ("SetNetworkProfile", ["connectionData", "vpn"], False),
        ("SetNetworkProfile", ["vpn", "key"], False),
        ("SetNetworkProfile", [], False),
        ("Heartbeat", ["connectionData", "vpn", "key"], False),
    ],
)
def test_a_path_of_the_table_is_secret_to_its_end(action: str, names: list[str], is_secret: bool) -> None:
    assert secrets.is_secret_path(action, names) is is_secret


@pytest.mark.parametrize(
    ("action", "names", "is_secret"),
    [
        ("SetNetworkProfile", ["connectionData", "apn"], True),
        ("SetNetworkProfile", ["connectionData", "apn", "apnName"], True),
        ("SetNetworkProfile", ["connectionData", "vpn", "password"], True),
        ("SetNetworkProfile", ["connectionData", "vpn", "server"], False),
        ("SetNetworkProfile", ["connectionData", "vpn"], False),
        ("SetNetworkProfile", ["connectionData"], False),
        ("SetNetworkProfile", ["apn"], False),
        ("SetNetworkProfile", [], False),
        ("NotifyCustomerInformation", ["data"], True),
        ("GetConfiguration", ["key"], False),
        ("Heartbeat", ["connectionData", "apn"], False),
        ("Nonsense", ["data"], False),
    ],
)
def test_the_table_names_the_paths_of_secrets(action: str, names: list[str], is_secret: bool) -> None:
    assert secrets.is_secret_path(action, iter(names)) == is_secret


def test_the_paths_of_an_action_are_a_tree() -> None:
    assert secrets._tree(["a.b", "a.c.d", "e"]) == {"a": {"b": {}, "c": {"d": {}}}, "e": {}}
    assert secrets.paths_of("Heartbeat") == {}


def test_the_paths_of_an_action_are_a_tree_without_free_texts() -> None:
    assert secrets.paths_of("SetNetworkProfile") == {
        "connectionData": {
            "apn": {},
            "basicAuthPassword": {},
            "vpn": {"key": {}, "password": {}},
        }
    }
    assert secrets.paths_of("GetConfiguration") == {}
    assert secrets.paths_of("Heartbeat") == {}


def test_the_actions_that_may_hold_secrets_are_those_with_paths_or_free_texts() -> None:
    assert {row.name for row in ACTIONS.values() if row.secret_paths} == secrets.MAY_HOLD_SECRETS
