"""The abilities of a station by its reports: a list or none, and how long it may be."""

from __future__ import annotations

import pytest

from configuration.services.local_list.limits import Abilities, abilities
from ocpp_server.protocol.versions import V16, V201


@pytest.mark.parametrize(
    ("text", "capacity"),
    [
        ("500", 500),
        (" 0 ", 0),
        ("999999999", 999_999_999),
        ("1000000000", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
    ],
)
@pytest.mark.parametrize(
    ("version", "name"),
    [(V16, "LocalAuthListMaxLength"), (V201, "LocalAuthListCtrlr.Entries.maxLimit")],
)
def test_the_capacity_is_a_number_of_nine_digits(
    version: str, name: str, text: str, capacity: int | None
) -> None:
    assert abilities(version, {name: text}) == Abilities("", capacity)


def test_a_station_must_be_asked_unless_it_has_reported_a_list_and_its_length() -> None:
    assert Abilities("", 0).is_known
    assert not Abilities("", None).is_known
    assert not Abilities("It has none.", 5).is_known


@pytest.mark.parametrize(("text", "is_off"), [(" FALSE ", True), ("true", False), ("", False), ("0", False)])
def test_a_list_can_be_switched_off(text: str, is_off: bool) -> None:
    sentence = "The station reports LocalAuthListCtrlr.Enabled=false: its local list is switched off."

    assert abilities(V201, {"LocalAuthListCtrlr.Enabled": text}).lacking == (sentence if is_off else "")
    both = {"LocalAuthListCtrlr.Enabled": "false", "LocalAuthListCtrlr.Available": "false"}
    assert "LocalAuthListCtrlr.Available=false" in abilities(V201, both).lacking
