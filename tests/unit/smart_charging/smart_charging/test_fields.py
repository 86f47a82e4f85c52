"""The fields that the commands of charging profiles share."""

from __future__ import annotations

import pytest

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server.protocol.versions import V16, V21
from smart_charging.commands.smart_charging.common import evse_field, purpose_field

ALWAYS = ["TxDefaultProfile", "TxProfile", "ChargingStationMaxProfile"]
IN_21 = ["PriorityCharging", "LocalGeneration"]


def test_the_place_of_a_profile_is_an_evse_or_the_whole_station() -> None:
    field = evse_field()

    assert (field.argument, field.name, field.least) == ("evse_number", "connectorId", 0)
    assert str(field.nothing) == "Whole station"


@pytest.mark.parametrize("required", [True, False])
def test_the_purpose_of_a_profile_has_the_words_of_the_version(required: bool) -> None:
    field = purpose_field(required=required, default="TxProfile")

    assert (field.argument, field.name, str(field.label)) == ("purpose", "chargingProfilePurpose", "Limits")
    assert (field.required, field.default) == (required, "TxProfile")
    assert [value for value, _ in field.choices] == ALWAYS
    assert field.values == (*ALWAYS, "ChargePointMaxProfile", *IN_21)
    for version, more in ((V16, []), (V21, IN_21)):
        offered = field.at(ChargePoint(ocpp_version=version))
        assert isinstance(offered, fields.Choice)
        assert [value for value, _ in offered.choices] == [*ALWAYS, *more]
