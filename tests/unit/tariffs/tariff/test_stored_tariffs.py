"""The rows of default tariffs and the events about them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from tariffs.models import StationTariff
from tariffs.services.tariff import assigned
from tariffs.services.tariff.assigned import Answered, Place
from tests.unit.chargepoints.in_memory import NOON, SITE, STATION, a_station
from tests.unit.tariffs.stored import a_command, announced

LATER = NOON + timedelta(minutes=5)
TARIFF = {"tariffId": "A", "currency": "EUR"}
DEFAULT = {"tariffKind": "DefaultTariff"}


@pytest.fixture
def at(db: None) -> Place:
    return Place(ChargePoint.objects.create(identity="CP-1").pk, "CP-1", SITE)


def stored() -> dict[str, dict[str, Any]]:
    """The columns of each row by the id of its tariff, without its number and its station."""
    return {
        row["tariff_id"]: {
            name: value for name, value in row.items() if name not in ("id", "charge_point_id")
        }
        for row in StationTariff.objects.values()
    }


def columns(name: str = "A", **more: Any) -> dict[str, Any]:
    """The columns of a tariff that the station has accepted for every EVSE at noon."""
    return {
        "command_id": None,
        "tariff_id": name,
        "evse_number": 0,
        "tariff": TARIFF | {"tariffId": name},
        "valid_from": None,
        "state": "accepted",
        "status": "Accepted",
        "reason": "",
        "evse_numbers": [],
        "set_at": NOON,
        "checked_at": None,
        "ended_at": None,
    } | more


def foreign(**more: Any) -> dict[str, Any]:
    return columns("X", **({"tariff": None, "state": "foreign", "status": "", "checked_at": NOON} | more))


def changed(
    state: str, name: str = "A", evse: int = 0, command: str | None = None
) -> tuple[str, dict[str, Any]]:
    return ("tariff.changed", {"tariffId": name, "evseId": evse, "state": state, "requestId": command})


def answer(at: Place, name: str = "A", when: datetime = NOON) -> None:
    assigned.answered(at, Answered("", 0, TARIFF | {"tariffId": name}, "Accepted", "", when))


def report(at: Place, *assignments: dict[str, Any], now: datetime) -> None:
    assigned.compare(at, evse=0, assignments=[DEFAULT | one for one in assignments], now=now)


def test_the_place_of_a_station_has_its_site() -> None:
    assert assigned.place(a_station()) == Place(STATION, "CP-1", SITE)


# -- answers -------------------------------------------------------------------------------------------------


def test_an_accepted_tariff_is_stored_with_its_command(at: Place) -> None:
    a_command(at.pk)
    tariff = {"tariffId": "T" * 61, "validFrom": "2026-05-05T14:00:00+02:00", "currency": "EUR"}

    assigned.answered(at, Answered("c-1", 2, tariff, "Accepted", "", NOON))

    row = StationTariff.objects.get()
    assert row.charge_point_id == at.pk
    assert stored() == {
        "T" * 60: columns(
            "T" * 60,
            command_id="c-1",
            evse_number=2,
            tariff=tariff,
            valid_from=NOON + timedelta(days=1),
        )
    }
    assert announced() == [changed("accepted", "T" * 60, 2, "c-1")]


def test_a_refused_tariff_is_over_at_once(at: Place) -> None:
    assigned.answered(at, Answered("", 0, TARIFF, "W" * 33, "R" * 256, NOON))

    assert stored() == {"A": columns(state="refused", status="W" * 32, reason="R" * 255, ended_at=NOON)}
    assert announced() == [changed("refused")]


def test_a_replaced_tariff_ends_with_the_answer_to_the_new_one(at: Place) -> None:
    answer(at)
    answer(at, "B", LATER)

    assert stored() == {
        "A": columns(state="replaced", ended_at=LATER),
        "B": columns("B", set_at=LATER),
    }
    assert announced() == [changed("accepted"), changed("replaced"), changed("accepted", "B")]


def test_a_tariff_of_another_station_is_not_replaced(at: Place) -> None:
    answer(Place(ChargePoint.objects.create(identity="CP-2").pk, "CP-1", SITE))

    answer(at, "B", LATER)
    report(at, now=LATER)

    assert {name: row["state"] for name, row in stored().items()} == {"A": "accepted", "B": "missing"}


# -- reports -------------------------------------------------------------------------------------------------


def test_a_reported_tariff_is_confirmed_once(at: Place) -> None:
    answer(at)

    report(at, {"tariffId": "A", "evseIds": [2, 1]}, now=NOON)
    assert stored() == {"A": columns(state="confirmed", evse_numbers=[1, 2], checked_at=NOON)}
    report(at, {"tariffId": "A", "evseIds": [3]}, now=LATER)
    assert stored() == {"A": columns(state="confirmed", evse_numbers=[3], checked_at=LATER)}

    assert announced() == [changed("accepted"), changed("confirmed")]


def test_a_missing_tariff_stays_wanted_and_may_come_back(at: Place) -> None:
    answer(at)
    report(at, {"tariffId": "A", "evseIds": [1]}, now=NOON)

    report(at, now=NOON)
    assert stored() == {"A": columns(state="missing", checked_at=NOON)}
    report(at, now=LATER)
    assert stored() == {"A": columns(state="missing", checked_at=LATER)}
    report(at, {"tariffId": "A"}, now=LATER)
    assert stored() == {"A": columns(state="confirmed", checked_at=LATER)}

    states = ["accepted", "confirmed", "missing", "confirmed"]
    assert announced() == [changed(state) for state in states]


def test_a_tariff_of_one_evse_that_is_reported_without_places_is_there(at: Place) -> None:
    assigned.answered(at, Answered("", 2, TARIFF, "Accepted", "", NOON))

    report(at, {"tariffId": "A"}, now=LATER)
    assert stored() == {"A": columns(evse_number=2, state="confirmed", checked_at=LATER)}
    report(at, {"tariffId": "A", "evseIds": [1, 2]}, now=LATER)
    assert stored()["A"]["evse_numbers"] == [1, 2]


@pytest.mark.parametrize(("evses", "evse"), [([], 0), ([3], 3), ([1, 2], 0)])
def test_a_foreign_tariff_is_stored_until_it_is_gone(at: Place, evses: list[int], evse: int) -> None:
    reported = {"tariffId": "X", "evseIds": evses, "validFrom": "2026-05-04T12:05:00Z"}
    usual = {"evse_number": evse, "valid_from": LATER}

    report(at, reported, now=NOON)
    assert StationTariff.objects.get().charge_point_id == at.pk
    assert stored() == {"X": foreign(evse_numbers=evses, **usual)}
    report(at, reported, now=LATER)
    assert stored() == {"X": foreign(evse_numbers=evses, checked_at=LATER, **usual)}
    report(at, now=LATER)
    assert stored() == {"X": foreign(state="cleared", checked_at=LATER, ended_at=LATER, **usual)}

    assert announced() == [changed("foreign", "X", evse), changed("cleared", "X", evse)]


# -- clearing ------------------------------------------------------------------------------------------------


def test_a_cleared_tariff_ends_with_the_answer(at: Place) -> None:
    answer(at)

    assigned.cleared(at, asked=None, evse=0, results=[{"status": "Accepted"}], now=LATER)
    assigned.cleared(at, asked=None, evse=0, results=[{"status": "Accepted"}], now=LATER)

    assert stored() == {"A": columns(state="cleared", ended_at=LATER)}
    assert announced() == [changed("accepted"), changed("cleared")]
