"""Tariffs are checked before they are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.transport.outcomes import words_of
from tariffs.models import StationTariff
from tariffs.services.tariff import checking
from tests.unit.chargepoints.in_memory import NOON


def tariff(**more: Any) -> dict[str, Any]:
    return {"tariffId": "A", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.4}]}, **more}


def with_conditions(**conditions: Any) -> dict[str, Any]:
    return tariff(idleTime={"prices": [{"priceMinute": 1}, {"priceMinute": 2, "conditions": conditions}]})


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (tariff(), []),
        (tariff(currency="eur"), ["tariff.currency"]),
        (tariff(currency=None), ["tariff.currency"]),
        ({"tariffId": "A", "currency": "EUR"}, ["tariff"]),
        ({"tariffId": "A", "currency": "EUR", "energy": 7}, ["tariff"]),
        (tariff(energy={"prices": 7}), []),  # the schema finds it
        (tariff(energy={"prices": [7, {"conditions": 7}]}), []),
        (with_conditions(startTimeOfDay="00:00", endTimeOfDay="23:59"), []),
        (with_conditions(startTimeOfDay="24:00"), ["startTimeOfDay"]),
        (with_conditions(endTimeOfDay="12:60"), ["endTimeOfDay"]),
        (with_conditions(endTimeOfDay=12), ["endTimeOfDay"]),
        (with_conditions(validFromDate="2026-02-28", validToDate="2026-03-01"), []),
        (with_conditions(validFromDate="2026-2-28"), ["validFromDate"]),
        (with_conditions(validToDate="2026-02-29"), ["validToDate"]),
    ],
)
def test_faults_that_the_schema_does_not_find(given: dict[str, Any], fields: list[str]) -> None:
    found = [
        field.replace("tariff.idleTime.prices[1].conditions.", "") for field, _ in checking.problems(given)
    ]

    assert found == fields


@pytest.mark.parametrize(
    "name",
    ["energy", "chargingTime", "idleTime", "fixedFee", "reservationTime", "reservationFixed"],
)
def test_each_kind_of_price_is_a_price_with_conditions_of_its_own(name: str) -> None:
    plain = {"tariffId": "A", "currency": "EUR", name: {"prices": [{}]}}
    wrong = {"prices": [{"conditions": {"startTimeOfDay": "8:00"}}]}

    assert list(checking.problems(plain)) == []
    assert list(checking.problems(plain | {name: wrong})) == [
        (f"tariff.{name}.prices[0].conditions.startTimeOfDay", "Must be a time of day such as 08:00.")
    ]


def test_the_faults_are_explained() -> None:
    assert list(checking.problems({"currency": "euro"})) == [
        ("tariff.currency", "Must be a code of ISO 4217, such as EUR."),
        (
            "tariff",
            "Needs a price: one of energy, chargingTime, idleTime, fixedFee, reservationTime, "
            "reservationFixed.",
        ),
    ]
    assert list(checking.problems(with_conditions(validToDate="soon"))) == [
        ("tariff.idleTime.prices[1].conditions.validToDate", "Must be a date such as 2026-11-30.")
    ]


def test_a_tariff_without_an_id_gets_one_of_its_content() -> None:
    plain = {name: value for name, value in tariff().items() if name != "tariffId"}

    one, other = checking.with_id(plain), checking.with_id({**plain, "currency": "CHF"})

    # A version of the server that makes other ids would send the same tariff as another one.
    assert one == {"tariffId": "28abfcd2eaed762e393980d40b087f04", **plain}
    assert one["tariffId"] == checking.with_id(dict(reversed(plain.items())))["tariffId"]
    assert one["tariffId"] != other["tariffId"]
    assert checking.with_id({"tariffId": None, **plain}) == one
    assert checking.with_id(tariff()) == tariff()


def test_every_refusal_has_a_sentence() -> None:
    words = words_of("SetDefaultTariff").refused | words_of("ChangeTransactionTariff").refused

    assert len({checking.explanation(word) for word in words} - {""}) == len(words)
    assert checking.explanation("Accepted") == checking.explanation("") == ""


@pytest.mark.django_db
def test_one_id_has_one_content_everywhere() -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    columns = {"charge_point": station, "evse_number": 0, "set_at": NOON}
    StationTariff.objects.create(tariff_id="A", tariff=tariff(), state="accepted", **columns)
    StationTariff.objects.create(tariff_id="B", tariff=None, state="foreign", **columns)

    checking.check(tariff())
    checking.check(tariff(tariffId="B"))
    with pytest.raises(Conflict, match="the ID A"):
        checking.check(tariff(currency="CHF"))
    with pytest.raises(Invalid) as refused:
        checking.check(tariff(currency="x"))
    assert refused.value.errors == [
        {"field": "tariff.currency", "reason": "Must be a code of ISO 4217, such as EUR."}
    ]


@pytest.mark.django_db
def test_the_newest_content_of_an_id_counts() -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    old, new = tariff(currency="CHF"), tariff()
    for minutes, content in enumerate((old, new, None)):
        StationTariff.objects.create(
            charge_point=station,
            evse_number=0,
            tariff_id="A",
            tariff=content,
            set_at=NOON + timedelta(minutes=minutes),
            state="accepted" if content else "foreign",
        )

    checking.check(new)
    with pytest.raises(Conflict, match=r"so a changed tariff needs another tariffId\."):
        checking.check(old)


MOST, CONDITIONS = "TariffCostCtrlr.MaxElements[Tariff]", "TariffCostCtrlr.ConditionsSupported[Tariff]"
TOO_MANY = "The station takes 1 prices of a kind, and the tariff has 2."
NO_CONDITIONS = "The station reports that it does not support conditions."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reported", "given", "doubt"),
    [
        ({}, with_conditions(startTimeOfDay="08:00"), ""),
        ({MOST: "2"}, with_conditions(), ""),
        ({MOST: "1"}, with_conditions(), TOO_MANY),
        ({MOST: "many"}, with_conditions(), ""),
        ({MOST: "\u0661"}, with_conditions(), ""),  # a digit, but none of ASCII
        ({CONDITIONS: " False "}, with_conditions(startTimeOfDay="08:00"), NO_CONDITIONS),
        ({CONDITIONS: "False"}, tariff(), ""),
        ({CONDITIONS: "true"}, with_conditions(startTimeOfDay="08:00"), ""),
        (
            {MOST: "1", CONDITIONS: "false"},
            with_conditions(startTimeOfDay="08:00"),
            f"{TOO_MANY} {NO_CONDITIONS}",
        ),
        ({MOST: "1"}, {"energy": 7}, ""),
    ],
)
def test_limits_that_the_station_reports_are_doubts(
    reported: dict[str, str], given: dict[str, Any], doubt: str
) -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    for key, value in reported.items():
        ReportedKey.objects.create(charge_point=station, key=key, value=value, reported_at=NOON)

    assert checking.doubts(station, given) == doubt
