"""The transaction that an operator names by a number or by the id of its station."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server.domain import Conflict, Missing
from ocpp_server.error_codes import Code
from tests.unit.transactions.transactions.stored_sessions import a_row, garage
from transactions.services.transactions import lookups

__all__ = ["garage"]


@pytest.fixture
def other(garage: ChargePoint) -> ChargePoint:
    """A second station. `T1` runs at the first one, `T2` at both, and `1001` is an id at the second."""
    made = ChargePoint.objects.create(pk=2, identity="CP-2")
    for number, ocpp_id, more in (
        (1000, "T1", {}),
        (1001, "T2", {}),
        (1002, "T2", {"charge_point_id": 2}),
        (1003, "T1", {"generation": 1, "status": "ended"}),
        (1004, "1001", {"charge_point_id": 2}),
        (1005, "T3", {"status": "ended", "ended_by": "station"}),
    ):
        values: dict[str, Any] = {"status": "active", "ended_by": "", "ocpp_id": ocpp_id}
        a_row(number, **(values | more))
    return made


@pytest.mark.parametrize(
    ("reference", "station", "number"),
    [
        (1000, None, 1000),
        ("1000", None, 1000),
        (1001, None, 1001),
        (1001, "CP-2", 1004),  # the number of another station's transaction
        ("T1", None, 1000),  # without a station only what runs
        ("T1", "CP-1", 1003),  # the newest
        ("T2", "CP-1", 1001),
        ("T2", "CP-2", 1002),
    ],
)
def test_a_transaction_is_named_by_its_number_or_by_the_id_of_its_station(
    other: ChargePoint, reference: int | str, station: str | None, number: int
) -> None:
    charge_point = None if station is None else ChargePoint.objects.get(identity=station)

    found = lookups.to_stop(reference, charge_point)

    assert found.pk == number


def test_the_station_of_the_transaction_is_read_with_it(
    other: ChargePoint, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert lookups.to_stop(1000).charge_point.identity == "CP-1"


@pytest.mark.parametrize(
    ("reference", "station", "sentence"),
    [
        (999, None, "Transaction 999 not found."),
        ("T9", None, "Transaction T9 not found."),
        ("T1", "CP-2", "Transaction T1 not found at CP-2."),
        (1000, "CP-2", "Transaction 1000 not found at CP-2."),
    ],
)
def test_a_transaction_that_does_not_exist_there_is_not_found(
    other: ChargePoint, reference: int | str, station: str | None, sentence: str
) -> None:
    charge_point = None if station is None else ChargePoint.objects.get(identity=station)

    with pytest.raises(Missing) as error:
        lookups.to_stop(reference, charge_point)

    assert error.value.sentence == sentence


@pytest.mark.parametrize(("reference", "code"), [("T2", Code.AMBIGUOUS), (1005, Code.TRANSACTION_ENDED)])
def test_an_id_of_several_stations_and_an_ended_transaction_are_refused(
    other: ChargePoint, reference: int | str, code: Code
) -> None:
    with pytest.raises(Conflict) as error:
        lookups.to_stop(reference)

    assert error.value.code is code


def test_an_end_that_the_server_assumed_may_still_be_stopped(garage: ChargePoint) -> None:
    a_row(ended_by="abandoned")

    assert lookups.to_stop(1000).pk == 1000
