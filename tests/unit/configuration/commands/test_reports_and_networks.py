"""The payloads of requests for reports, and of network profiles."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.commands import network
from configuration.commands.network import SET_NETWORK_PROFILE
from configuration.commands.variables import networks
from configuration.commands.variables.reports import component_variable
from configuration.services import network as profiles
from ocpp_server.domain import Invalid
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V21, V201, Version

NEEDED = {"slot": 1, "csms_url": "wss://example.com", "security_profile": 2}
DEFAULTS = {"interface": "Wired0", "message_timeout": 30, "ocpp_version": "OCPP20", "transport": "JSON"}
APN = {"apn": "internet", "apn_authentication": "AUTO"}
VPN = {
    "vpn_server": "vpn.example.com",
    "vpn_user": "user",
    "vpn_password": "password",
    "vpn_key": "key",
    "vpn_type": "L2TP",
}


@pytest.mark.parametrize(
    ("key", "payload"),
    [
        ("EVSE", {"component": {"name": "EVSE"}}),
        (
            "EVSE[a](1.2)",
            {"component": {"name": "EVSE", "instance": "a", "evse": {"id": 1, "connectorId": 2}}},
        ),
        ("EVSE(1).Power", {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}),
        ("C.V[x]", {"component": {"name": "C"}, "variable": {"name": "V", "instance": "x"}}),
    ],
)
def test_a_report_names_components_and_variables(key: str, payload: dict[str, Any]) -> None:
    assert component_variable(key) == payload


@pytest.mark.parametrize("key", ["", "C(x)", "C.", "c" * 51])
def test_a_name_that_names_no_component_is_an_error_of_the_field(key: str) -> None:
    with pytest.raises(Invalid) as refused:
        component_variable(key)

    assert refused.value.errors[0]["field"] == "keys"


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize(
    "more", [{}, APN | {"sim_pin": "1234", "only_preferred_network": True}, VPN, APN | VPN]
)
def test_a_profile_fits_the_schema(version: Version, more: dict[str, Any]) -> None:
    payload = SET_NETWORK_PROFILE.payload(version, NEEDED | more)

    schemas.outgoing(version, "SetNetworkProfile", "request", payload)
    assert ("apn" in payload["connectionData"], "vpn" in payload["connectionData"]) == (
        "apn" in more,
        "vpn_key" in more,
    )


def test_2_1_has_identity_and_password() -> None:
    payload = SET_NETWORK_PROFILE.payload(V21, NEEDED | {"identity": "CP-2", "password": "p" * 16})

    schemas.outgoing(V21, "SetNetworkProfile", "request", payload)
    assert payload["connectionData"]["identity"] == "CP-2"
    assert payload["connectionData"]["basicAuthPassword"] == "p" * 16


def test_a_form_leaves_empty_fields_and_an_unchecked_flag_out() -> None:
    empty = dict.fromkeys((*APN, *VPN, "identity"), "") | {"only_preferred_network": False}

    assert network.spell(**NEEDED, **DEFAULTS, **empty) == network.spell(**NEEDED, **DEFAULTS)
    plain = network.spell(**NEEDED | {"slot": 0, "security_profile": 0}, **DEFAULTS)
    assert (plain["configurationSlot"], plain["connectionData"]["securityProfile"]) == (0, 0)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"apn": "internet"}, "apnAuthentication"),
        ({"apn_user": "user"}, "apn"),
        ({"vpn_key": "key"}, "vpnServer"),
        (APN | {"sim_pin": "0123"}, "simPin"),
        (APN | {"sim_pin": "12a"}, "simPin"),
    ],
)
def test_an_incomplete_profile_names_the_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        network.spell(**NEEDED, **DEFAULTS, **more)

    assert refused.value.errors[0]["field"] == field


def test_the_variables_of_a_profile_have_their_slot_and_no_password() -> None:
    items = networks.spell(**NEEDED, **DEFAULTS, **APN, password="p" * 16)["setVariableData"]

    assert {item["component"]["instance"] for item in items} == {"1"}
    values = {item["variable"]["name"]: item["attributeValue"] for item in items}
    assert values == {
        "OcppCsmsUrl": "wss://example.com",
        "OcppInterface": "Wired0",
        "OcppTransport": "JSON",
        "OcppVersion": "OCPP20",
        "MessageTimeout": "30",
        "SecurityProfile": "2",
        "Apn": "internet",
        "ApnAuthentication": "AUTO",
        "ApnEnabled": "true",
        "VpnEnabled": "false",
    }


@pytest.mark.parametrize(
    ("identity", "data", "is_own"),
    [("CP-1", {}, True), ("CP-1", {"identity": "cp-1"}, True), ("CP-1", {"identity": "CP-2"}, False)],
)
def test_a_profile_may_be_of_another_identity(identity: str, data: dict[str, str], is_own: bool) -> None:
    assert profiles.is_own(identity, data) is is_own


@pytest.mark.parametrize(
    ("reported", "slot"),
    [
        ({}, None),
        ({"NetworkConfigurationPriority": "3, 1"}, 3),
        ({"NetworkConfigurationPriority": "3,1", "ActiveNetworkProfile": "1"}, 1),
        ({"NetworkConfigurationPriority": "none"}, None),
        ({"NetworkConfigurationPriority": ""}, None),
        ({"NetworkConfigurationPriority": "9" * 10}, None),
    ],
)
def test_the_slot_in_use_is_the_active_one_or_the_first(
    db: None, reported: dict[str, str], slot: int | None
) -> None:
    garage = ChargePoint.objects.create(identity="GARAGE")
    for name, value in reported.items():
        garage.reported_keys.create(
            key=f"OCPPCommCtrlr.{name}", value=value, reported_at="2026-05-04T12:00:00Z"
        )

    assert profiles.slot_in_use(garage.pk) == slot


def test_a_station_keeps_a_bounded_number_of_profiles(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "MOST_PER_STATION", 2)
    garage = ChargePoint.objects.create(identity="GARAGE")
    data = SET_NETWORK_PROFILE.payload(V21, NEEDED)["connectionData"]
    for slot in (1, 2, 1, 3):
        profiles.answered(
            garage.pk,
            slot,
            data,
            command_id=f"c{slot}",
            is_accepted=True,
            reason="",
            at="2026-05-04T12:00:00Z",
        )

    assert sorted(garage.network_profiles.values_list("slot", "state")) == [
        (1, "confirmed"),
        (3, "confirmed"),
    ]
