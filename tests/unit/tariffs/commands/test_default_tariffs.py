"""Set default tariff, Get tariffs and Clear tariffs."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V16, V21, V201
from tariffs.commands.tariff import (
    CHANGE_TRANSACTION_TARIFF,
    CLEAR_TARIFFS,
    GET_TARIFFS,
    SET_DEFAULT_TARIFF,
    UPDATE_COST,
)
from tariffs.models import StationTariff
from tests.unit.chargepoints.in_memory import NOON
from tests.unit.tariffs.commands.asking import TWO_PRICES, a_tariff, prepared
from tests.unit.transactions.at_once import at_once

COST, TARIFF = "TariffCostCtrlr.Enabled[Cost]", "TariffCostCtrlr.Enabled[Tariff]"
OF_TARIFFS = (SET_DEFAULT_TARIFF, GET_TARIFFS, CLEAR_TARIFFS, CHANGE_TRANSACTION_TARIFF)


# -- setting -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("place", "evse"), [({}, 0), ({"evse_number": 0}, 0), ({"evse_number": 2}, 2)])
@at_once
async def test_a_default_tariff_is_of_one_evse_or_of_all(
    charger: Any, place: dict[str, int], evse: int
) -> None:
    row = await charger(V21)

    found = await prepared(SET_DEFAULT_TARIFF, row, tariff=a_tariff(), **place)

    assert found == {"tariff": a_tariff(), "evse_number": evse}
    payload = SET_DEFAULT_TARIFF.payload(V21, {"tariff": a_tariff(), **place})
    assert payload == {"evseId": evse, "tariff": a_tariff()}
    schemas.outgoing(V21, "SetDefaultTariff", "request", payload)


@pytest.mark.django_db
@at_once
async def test_the_same_content_without_an_id_gets_the_same_id(charger: Any) -> None:
    row = await charger(V21)
    plain = {name: value for name, value in a_tariff().items() if name != "tariffId"}

    one, again = [await prepared(SET_DEFAULT_TARIFF, row, tariff=plain) for _ in range(2)]

    assert one == again == {"tariff": {"tariffId": one["tariff"]["tariffId"], **plain}, "evse_number": 0}
    assert len(one["tariff"]["tariffId"]) == 32


@pytest.mark.django_db
@at_once
async def test_a_wrong_tariff_is_refused(charger: Any) -> None:
    row = await charger(V21)
    StationTariff.objects.create(
        charge_point=row, tariff_id="DAY", tariff=a_tariff(), evse_number=0, set_at=NOON, state="accepted"
    )

    with pytest.raises(Invalid) as refused:
        await prepared(SET_DEFAULT_TARIFF, row, tariff={"tariffId": "DAY", "currency": "EUR"})
    assert [error["field"] for error in refused.value.errors] == ["tariff"]
    with pytest.raises(Conflict, match="Another tariff has the ID DAY"):
        await prepared(SET_DEFAULT_TARIFF, row, tariff=a_tariff(currency="CHF"))


@pytest.mark.django_db
def test_a_tariff_that_the_station_can_not_take_gets_a_warning() -> None:
    station = ChargePoint.objects.create(identity="CP-1", ocpp_version=V21)
    assert SET_DEFAULT_TARIFF.warning(station, {"tariff": TWO_PRICES}) == ""
    ReportedKey.objects.create(
        charge_point=station,
        key="TariffCostCtrlr.ConditionsSupported[Tariff]",
        value="false",
        reported_at=NOON,
    )

    assert SET_DEFAULT_TARIFF.warning(station, {"tariff": TWO_PRICES, "evse_number": 2}) == (
        "The station reports that it does not support conditions."
    )
    assert SET_DEFAULT_TARIFF.warning(station, {"tariff": a_tariff()}) == ""


# -- reading and clearing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "evse"), [({}, 0), ({"evse_number": 0}, 0), ({"evse_number": 2}, 2)])
def test_the_tariffs_of_one_evse_or_of_all_are_read(given: dict[str, int], evse: int) -> None:
    payload = GET_TARIFFS.payload(V21, given)

    assert payload == {"evseId": evse}
    schemas.outgoing(V21, "GetTariffs", "request", payload)


@pytest.mark.parametrize(
    ("given", "payload"),
    [
        ({}, {}),
        ({"tariff_ids": []}, {}),
        ({"tariff_ids": ["DAY", "NIGHT"]}, {"tariffIds": ["DAY", "NIGHT"]}),
        ({"evse_number": 2}, {"evseId": 2}),
        ({"tariff_ids": ["DAY"], "evse_number": 1}, {"tariffIds": ["DAY"], "evseId": 1}),
        ({"tariff_ids": ["DAY"], "evse_number": 0}, {"tariffIds": ["DAY"]}),
    ],
)
def test_tariffs_are_cleared_by_id_and_by_evse(given: dict[str, Any], payload: dict[str, Any]) -> None:
    assert CLEAR_TARIFFS.payload(V21, given) == payload
    schemas.outgoing(V21, "ClearTariffs", "request", payload)


def test_only_a_command_that_clears_all_tariffs_is_confirmed() -> None:
    station = ChargePoint(identity="CP-1", ocpp_version=V21)
    sentence = "Without tariff IDs, all default tariffs there are deleted."

    everything: list[dict[str, Any]] = [{}, {"tariff_ids": []}, {"evse_number": 2}]
    for given in everything:
        assert CLEAR_TARIFFS.confirmation(station, given) == sentence
    assert CLEAR_TARIFFS.confirmation(station, {"tariff_ids": ["DAY"]}) == ""


# -- the station's abilities ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", OF_TARIFFS, ids=lambda command: command.name)
@pytest.mark.parametrize(("version", "label"), [(V16, "1.6"), (V201, "2.0.1")])
def test_only_2_1_has_tariffs(command: Any, version: str, label: str) -> None:
    station = ChargePoint(identity="CP-1", ocpp_version=version)

    assert command.unsupported(station, {}) == f"OCPP {label} has no {command.action}."


def test_a_station_without_tariffs_or_costs_is_asked_nothing() -> None:
    station = ChargePoint(identity="CP-1", ocpp_version=V21)

    for command, name, other in (
        (UPDATE_COST, COST, TARIFF),
        *((command, TARIFF, COST) for command in OF_TARIFFS),
    ):
        assert command.unsupported(station, {name: "false"}) == (
            f"This station does not support it, because it reports {name}=false."
        )
        assert command.unsupported(station, {name: "true", other: "false"}) == ""
    assert UPDATE_COST.unsupported(ChargePoint(ocpp_version=V201), {}) == ""
    assert UPDATE_COST.unsupported(ChargePoint(ocpp_version=V16), {}) == "OCPP 1.6 has no CostUpdated."
