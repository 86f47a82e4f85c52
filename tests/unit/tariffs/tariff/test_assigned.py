"""Default tariffs of a station follow from its answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from chargepoints.models import ChargePoint
from tariffs.models import StationTariff
from tariffs.services.tariff import assigned
from tariffs.services.tariff.assigned import Answered, Place, Reported
from tests.unit.chargepoints.in_memory import NOON

PAST, FUTURE = NOON - timedelta(days=1), NOON + timedelta(days=1)
DEFAULT = {"tariffKind": "DefaultTariff"}


def a_row(name: str = "A", evse: int = 0, valid_from: datetime | None = None) -> StationTariff:
    return StationTariff(tariff_id=name, evse_number=evse, valid_from=valid_from)


@pytest.mark.parametrize(
    ("old", "new", "is_replaced"),
    [
        (a_row(), a_row("B"), True),  # I07.FR.22
        (a_row(evse=1), a_row("B", evse=1), True),
        (a_row(evse=1), a_row("B"), True),
        (a_row(), a_row("B", evse=1), False),
        (a_row(evse=2), a_row("B", evse=1), False),
        (a_row(), a_row("B", valid_from=PAST), True),  # I07.FR.20
        (a_row(), a_row("B", valid_from=NOON), True),
        (a_row(), a_row("B", valid_from=FUTURE), False),
        (a_row(valid_from=PAST), a_row("B", valid_from=NOON), True),  # I07.FR.21
        (a_row(valid_from=PAST), a_row("B", valid_from=PAST), True),
        (a_row(valid_from=FUTURE), a_row("B", valid_from=PAST), False),  # I07.FR.23
        (a_row(valid_from=PAST), a_row("B"), False),
        (a_row(valid_from=FUTURE), a_row(), True),  # the same tariff once more
    ],
)
def test_a_tariff_replaces_the_one_that_was_valid_before(
    old: StationTariff, new: StationTariff, is_replaced: bool
) -> None:
    assert assigned.is_replaced(old, new, now=NOON) is is_replaced
    assert not assigned.is_replaced(old, old, now=NOON)


def test_a_report_has_default_tariffs_by_id() -> None:
    found = assigned.read(
        [
            {"tariffId": "C", "tariffKind": "DriverTariff", "idTokens": ["X"]},
            {"tariffId": "A", **DEFAULT, "evseIds": [2], "validFrom": "2026-05-04T12:00:00Z"},
            {"tariffId": "A", **DEFAULT, "evseIds": [1, 0, -4, 2**31, 2**40]},
            {"tariffId": "B", **DEFAULT, "validFrom": "soon", "evseIds": [2**31 - 1]},
            {"tariffId": "N" * 61, **DEFAULT},
        ]
    )

    assert found == {
        "A": Reported((1, 2), NOON),
        "B": Reported((2**31 - 1,), None),
        "N" * 60: Reported((), None),
    }


@pytest.fixture
def at(db: None) -> Place:
    station = ChargePoint.objects.create(identity="CP-1")
    return Place(station.pk, station.identity, None)


def answered(
    at: Place, name: str, evse: int = 0, status: str = "Accepted", minutes: int = 0, **more: Any
) -> None:
    tariff = {"tariffId": name, **more}
    assigned.answered(at, Answered("", evse, tariff, status, "", NOON + timedelta(minutes=minutes)))


def states(at: Place) -> dict[str, str]:
    rows = StationTariff.objects.filter(charge_point=at.pk).order_by("set_at", "tariff_id")
    return {f"{row.tariff_id}{row.evse_number}": row.state for row in rows}


def test_a_refused_tariff_replaces_nothing(at: Place) -> None:
    answered(at, "A")
    answered(at, "B", status="Rejected", minutes=1)

    assert states(at) == {"A0": "accepted", "B0": "refused"}


def test_a_tariff_that_became_valid_has_replaced_the_missing_one(at: Place) -> None:
    answered(at, "A")
    answered(at, "B", validFrom="2026-05-05T12:00:00Z", minutes=1)
    assert states(at) == {"A0": "accepted", "B0": "accepted"}

    report = [{"tariffId": "B", **DEFAULT, "evseIds": [1]}]
    assigned.compare(at, evse=0, assignments=report, now=FUTURE + timedelta(hours=1))

    assert states(at) == {"A0": "replaced", "B0": "confirmed"}


def test_a_tariff_counts_from_the_time_at_which_it_becomes_valid(at: Place) -> None:
    answered(at, "B", validFrom="2026-05-05T12:00:00Z")
    answered(at, "A", minutes=1)
    assert states(at) == {"B0": "accepted", "A0": "accepted"}

    assigned.compare(at, evse=0, assignments=[{"tariffId": "B", **DEFAULT}], now=FUTURE)

    assert states(at) == {"B0": "confirmed", "A0": "replaced"}


def test_of_two_tariffs_with_one_beginning_the_reported_one_has_replaced_the_other(at: Place) -> None:
    for name in "AB":
        answered(at, name, validFrom="2026-05-05T12:00:00Z")

    assigned.compare(at, evse=0, assignments=[{"tariffId": "B", **DEFAULT}], now=FUTURE)

    assert states(at) == {"A0": "replaced", "B0": "confirmed"}


def test_a_report_about_one_evse_says_nothing_about_the_others(at: Place) -> None:
    answered(at, "A")
    answered(at, "B", evse=1, minutes=1)
    answered(at, "C", evse=2, minutes=2)

    assigned.compare(at, evse=1, assignments=[], now=NOON)

    assert states(at) == {"A0": "accepted", "B1": "missing", "C2": "accepted"}


def test_a_tariff_at_another_evse_is_missing_at_its_own(at: Place) -> None:
    answered(at, "A", evse=1)

    assigned.compare(at, evse=0, assignments=[{"tariffId": "A", **DEFAULT, "evseIds": [2]}], now=NOON)
    assert states(at) == {"A1": "missing"}
    assigned.compare(at, evse=0, assignments=[{"tariffId": "A", **DEFAULT}], now=NOON)
    assert states(at) == {"A1": "confirmed"}


def foreign(names: str, evse: int) -> list[dict[str, Any]]:
    return [{"tariffId": name, **DEFAULT, "evseIds": [evse]} for name in names]


def test_foreign_tariffs_come_and_go_and_have_a_limit(at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assigned, "MOST_FOREIGN", 2)
    many = foreign("XYZ", 3)

    assigned.compare(at, evse=0, assignments=many, now=NOON)
    assert states(at) == {"X3": "foreign", "Y3": "foreign"}
    assigned.compare(at, evse=0, assignments=many[1:], now=NOON + timedelta(minutes=1))
    assert states(at) == {"X3": "cleared", "Y3": "foreign", "Z3": "foreign"}


def test_a_hundred_foreign_tariffs_are_stored(at: Place) -> None:
    usual = {"charge_point_id": at.pk, "evse_number": 2, "state": "foreign", "set_at": NOON}
    StationTariff.objects.bulk_create(StationTariff(tariff_id=f"F{number}", **usual) for number in range(99))

    for names, events in (("X", []), ("XY", [("station_tariffs.too_many", "CP-1", 100)])):
        with capture_logs() as logs:
            assigned.compare(at, evse=1, assignments=foreign(names, 1), now=NOON)
        assert [(line["event"], line["station"], line["most"]) for line in logs] == events
        assert StationTariff.objects.count() == 100


def test_a_lower_limit_keeps_the_foreign_tariffs_that_are_stored(
    at: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assigned.compare(at, evse=0, assignments=foreign("XYZ", 1), now=NOON)
    monkeypatch.setattr(assigned, "MOST_FOREIGN", 1)

    assigned.compare(at, evse=0, assignments=foreign("XYZWV", 1), now=NOON)

    assert states(at) == {"X1": "foreign", "Y1": "foreign", "Z1": "foreign"}


@pytest.mark.parametrize(
    ("asked", "evse", "results", "left"),
    [
        (None, 0, [{"status": "NoTariff"}], []),
        (None, 0, [{"tariffId": "A", "status": "Accepted"}], ["B1", "C2"]),
        (None, 1, [{"status": "Accepted"}], ["A0", "C2"]),
        (["A", "B"], 0, [{"status": "Accepted"}], ["C2"]),
        (["A", "B"], 0, [{"tariffId": "A", "status": "NoTariff"}, {"tariffId": "B", "status": "Rejected"}],
         ["B1", "C2"]),
        (["A", "B"], 0, [{"tariffId": "A", "status": "Accepted"}, {"tariffId": "B", "status": "Accepted"}],
         ["C2"]),
        (None, 0, [{"status": "Accepted"}, {"tariffId": "A", "status": "Accepted"}], []),
        (["A"], 0, [{"tariffId": "B", "status": "NoTariff"}, {"status": "Accepted"}], ["C2"]),
        (["B"], 2, [{"tariffId": "B", "status": "Accepted"}], ["A0", "B1", "C2"]),
        (None, 0, [{"status": "Rejected"}], ["A0", "B1", "C2"]),
    ],
)  # fmt: skip
def test_clearing_ends_what_the_station_has_cleared(
    at: Place, asked: list[str] | None, evse: int, results: list[dict[str, str]], left: list[str]
) -> None:
    for name, place in (("A", 0), ("B", 1), ("C", 2)):
        answered(at, name, evse=place, minutes=place)

    assigned.cleared(at, asked=asked, evse=evse, results=results, now=NOON)

    assert [name for name, state in states(at).items() if state != "cleared"] == left
