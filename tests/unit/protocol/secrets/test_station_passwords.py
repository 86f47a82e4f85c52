"""The commands that change the password of a station, and the field that holds its name."""

from __future__ import annotations

import pytest

from ocpp_server.protocol import secrets
from ocpp_server.protocol.versions import V16, V21, V201


def variables(*names: tuple[str, str]) -> dict[str, object]:
    return {
        "setVariableData": [
            {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": "x"}
            for component, variable in names
        ]
    }


@pytest.mark.parametrize(
    ("version", "action", "payload", "field"),
    [
        (V16, "ChangeConfiguration", {"key": "AuthorizationKey", "value": "x"}, "key"),
        (V16, "ChangeConfiguration", {"key": " AUTHORIZATIONkey", "value": "x"}, "key"),
        (V16, "ChangeConfiguration", {"key": "BasicAuthPassword", "value": "x"}, "key"),
        (V16, "ChangeConfiguration", {"key": "WifiPSK", "value": "x"}, ""),
        (V16, "GetConfiguration", {"key": ["AuthorizationKey"]}, ""),
        (
            V201,
            "SetVariables",
            variables(("SecurityCtrlr", "BasicAuthPassword")),
            "setVariableData[0].variable.name",
        ),
        (
            V21,
            "SetVariables",
            variables(("A", "B"), ("NetworkConfiguration", "basicauthpassword")),
            "setVariableData[1].variable.name",
        ),
        (V201, "SetVariables", variables(("SecurityCtrlr", "SecurityProfile")), ""),
        (V201, "SetVariables", variables(("BasicAuthPassword", "X")), "setVariableData[0].component.name"),
        (
            V201,
            "SetVariables",
            {
                "setVariableData": [
                    {
                        "component": {"name": "A", "instance": "B"},
                        "variable": {"name": "C", "instance": "Basic-Auth-Password"},
                    }
                ]
            },
            "setVariableData[0].variable.instance",
        ),
        (
            V201,
            "GetVariables",
            {
                "getVariableData": [
                    {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
                ]
            },
            "",
        ),
        (
            V21,
            "SetNetworkProfile",
            {"connectionData": {"basicAuthPassword": "x"}},
            "connectionData.basicAuthPassword",
        ),
        (V21, "SetNetworkProfile", {"connectionData": {"vpn": {"password": "x"}}}, ""),
    ],
)
def test_every_command_that_changes_the_password_of_a_station_is_known(
    version: str, action: str, payload: dict[str, object], field: str
) -> None:
    assert secrets.password_field(action, payload) == field


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({"component": {"name": "AuthorizationKey"}, "variable": {"name": "B"}}, "component.name"),
        ({"component": {"name": "A", "instance": "BasicAuthPassword"}, "variable": {"name": "B"}},
         "component.instance"),
        ({"component": {"name": "A"}, "variable": {"name": "B", "instance": "BasicAuthPassword"}},
         "variable.instance"),
        ({"component": {"name": "A"}, "variable": {"name": "SecurityCtrlr.BasicAuthPassword"}},
         "variable.name"),
        ({"component": {"name": "A"}, "variable": {"name": "BasicAuthPasswordLength"}}, ""),
    ],
)  # fmt: skip
def test_the_password_of_a_station_is_known_in_every_part_of_a_name(
    place: dict[str, object], field: str
) -> None:
    found = secrets.password_field("SetVariables", {"setVariableData": [{**place, "attributeValue": "x"}]})

    assert found == (field and f"setVariableData[0].{field}")
