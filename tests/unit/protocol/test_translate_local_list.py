"""The local authorization list as both dialects spell it: tokens, versions, limits."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol.translate import IdToken, local_list
from ocpp_server.protocol.versions import V16, V21, V201


@pytest.mark.parametrize(("version", "most"), [(V16, 20), (V201, 36), (V21, 36)])
def test_a_uid_fits_up_to_the_length_of_its_field(version: str, most: int) -> None:
    assert local_list.fits(version, "x" * most)
    assert not local_list.fits(version, "x" * (most + 1))


@pytest.mark.parametrize(
    ("version", "uid", "expected"),
    [
        (V16, "VID:AABBCCDDEEFF", IdToken("VID:AABBCCDDEEFF")),
        (V201, "vid:AA-BB.CC DD:EEFF", IdToken("AABBCCDDEEFF", "MacAddress")),
        (V201, "VIDAABB", IdToken("VIDAABB", "ISO14443")),
        (V21, "04A2", IdToken("04A2", "ISO14443")),
    ],
)
def test_a_token_is_listed_as_stations_present_it(version: str, uid: str, expected: IdToken) -> None:
    assert local_list.listed_token(version, uid, "ISO14443") == expected


def test_an_entry_without_a_decision_removes_the_token() -> None:
    assert local_list.list_entry(V16, IdToken("A"), None) == {"idTag": "A"}
    assert local_list.list_entry(V201, IdToken("A", "eMAID"), None) == {
        "idToken": {"idToken": "A", "type": "eMAID"}
    }


def test_versions_are_read_by_the_name_of_the_dialect() -> None:
    assert local_list.list_version(V16, {"listVersion": -1, "versionNumber": 9}) == -1
    assert local_list.list_version(V201, {"versionNumber": 4, "listVersion": 9}) == 4
    assert local_list.LARGEST_VERSION == 2147483647


def test_the_names_of_the_limits() -> None:
    assert set(local_list.limit_names(V16)) == {
        "SupportedFeatureProfiles",
        "LocalAuthListEnabled",
        "LocalAuthListMaxLength",
        "SendLocalListMaxLength",
    }
    assert local_list.limit_names(V201) == (
        "LocalAuthListCtrlr.Available",
        "LocalAuthListCtrlr.Enabled",
        "LocalAuthListCtrlr.ItemsPerMessage",
        "LocalAuthListCtrlr.BytesPerMessage",
        "LocalAuthListCtrlr.Entries.maxLimit",
    )
    for version, enabled, capacity in (
        (V16, "LocalAuthListEnabled", "LocalAuthListMaxLength"),
        (V201, "LocalAuthListCtrlr.Enabled", "LocalAuthListCtrlr.Entries.maxLimit"),
    ):
        assert local_list.enabled_name(version) == enabled
        assert local_list.capacity_name(version) == capacity


def test_the_limits_are_asked_for_in_the_dialect() -> None:
    action, payload = local_list.limits_request(V16)
    assert (action, payload) == ("GetConfiguration", {"key": list(local_list.limit_names(V16))})

    action, payload = local_list.limits_request(V201)
    names = [
        (one["component"], one["variable"])
        for one in payload["getVariableData"]
    ]  # fmt: skip
    assert (action, list(payload)) == ("GetVariables", ["getVariableData"])
    assert names == [
        ({"name": "LocalAuthListCtrlr"}, {"name": name})
        for name in ("Available", "Enabled", "ItemsPerMessage", "BytesPerMessage")
    ]
    assert all(set(one) == {"component", "variable"} for one in payload["getVariableData"])


def described(component: str, variable: str, **characteristics: Any) -> dict[str, Any]:
    named = {"component": {"name": component}, "variable": {"name": variable}}
    return named | ({"variableCharacteristics": characteristics} if characteristics else {})


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (described("LocalAuthListCtrlr", "Entries", maxLimit=500.0), 500),
        (described("LocalAuthListCtrlr", "Entries", maxLimit=0), 0),
        (described("LocalAuthListCtrlr", "Entries", dataType="integer"), None),
        (described("LocalAuthListCtrlr", "Entries"), None),
        (described("LocalAuthListCtrlr", "ItemsPerMessage", maxLimit=5), None),
        (described("AuthCacheCtrlr", "Entries", maxLimit=5), None),
    ],
)
def test_the_capacity_is_the_limit_of_the_entries_alone(report: dict[str, Any], expected: int | None) -> None:
    assert local_list.reported_capacity(report) == expected
