"""The fields that the commands of charging profiles share."""

from __future__ import annotations

from smart_charging.commands.smart_charging.common import evse_field


def test_the_place_of_a_profile_is_an_evse_or_the_whole_station() -> None:
    field = evse_field()

    assert (field.argument, field.name, field.least) == ("evse_number", "connectorId", 0)
    assert str(field.nothing) == "Whole station"
