"""The data that a proposal is made of: the session, its neighbours and its readings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Connector, Evse
from tests.direct.readings import stored
from tests.unit.transactions.transactions.live_station import NOON, minutes
from tests.unit.transactions.transactions.stored_sessions import a_row, charging, garage
from transactions.models import Settlement, Transaction
from transactions.services.transactions import fixes, proposing
from transactions.services.transactions.fixes import Fix

__all__ = ["garage"]


def a_reading(transaction: Transaction, at: float, wh: float | None, **more: Any) -> None:
    values: dict[str, Any] = {
        "measurand": "Energy.Active.Import.Register",
        "charge_point_id": transaction.charge_point_id,
        "raw": str(wh),
        "received_at": NOON,
    }
    stored(transaction=transaction, measured_at=minutes(at), value=wh, **(values | more))


def test_the_session_of_a_proposal_has_the_columns_of_its_row(garage: ChargePoint) -> None:
    row = a_row(id_token=" Card ", suspect_reasons=["meter-jump: 1: 2", "superseded"], meter_last_wh=4900)

    assert proposing.session(row) == fixes.Session(
        number=1000,
        is_active=False,
        codes=frozenset({"meter-jump", "superseded"}),
        energy_mwh=4_000_000,
        meter_start_mwh=1_000_000,
        meter_last_mwh=4_900_000,
        meter_stop_mwh=5_000_000,
        token_key="card",
        started_at=NOON,
        ended_at=minutes(60),
    )


def test_a_running_session_lasts_until_its_last_message(garage: ChargePoint) -> None:
    known = proposing.session(a_row(status="active", stopped_at=None, last_message_at=minutes(59)))

    assert (known.is_active, known.ended_at) == (True, minutes(59))


# -- readings ------------------------------------------------------------------------------------------------


def counted(row: Transaction) -> float | None:
    """The energy that the proposal counts from the readings of a session without other registers."""
    return proposing.proposed(row).energy_wh


def a_gap(number: int = 1000, **more: Any) -> Transaction:
    registers = {"meter_start_wh": None, "meter_last_wh": None, "meter_stop_wh": None, "energy_wh": 9.0}
    return a_row(number, **({"suspect_reasons": ["events-missing: 2"]} | registers | more))


@pytest.mark.parametrize(
    "more",
    [
        {"measurand": "Energy.Active.Export.Register"},
        {"phase": "L1"},
        {"location": "Cable"},
        {"value": None},
    ],
)
def test_only_register_readings_at_the_outlet_are_counted(garage: ChargePoint, more: dict[str, Any]) -> None:
    row, other = a_gap(), a_gap(1001)
    a_reading(row, 30, 2000, location="Outlet")
    a_reading(row, 10, 1000)
    a_reading(row, 20, **({"wh": 1200} | more if "value" not in more else {"wh": None}))
    a_reading(other, 40, 2500)

    assert counted(row) == 1000
    assert [reading.mwh for reading in proposing._readings(row)] == [1_000_000, 2_000_000]


def test_readings_of_one_moment_are_counted_in_the_order_of_arrival(garage: ChargePoint) -> None:
    row = a_gap()
    for wh in (1000, 1500, 1400):
        a_reading(row, 10, wh)

    assert [reading.mwh for reading in proposing._readings(row)] == [1_000_000, 1_500_000, 1_400_000]


def test_the_readings_of_a_merged_session_count_for_the_one_with_its_energy(garage: ChargePoint) -> None:
    first, second = a_gap(), a_gap(1001, merged_into_id=1000)
    for row, other in ((first, second), (second, first)):
        Settlement.objects.create(
            transaction=row, merged_with=other, fix=Fix.MERGE, actor="op", reason="R.", before={}, after={}
        )
    a_reading(first, 10, 1000)
    a_reading(second, 20, 1700)
    a_reading(second, 30, 1900)

    assert (counted(first), counted(second)) == (900, 200)


# -- neighbours ----------------------------------------------------------------------------------------------


def a_neighbour(number: int, started: float, meter_wh: float, **more: Any) -> Transaction:
    ends = {"stopped_at": minutes(started + 30), "last_message_at": minutes(started + 30)}
    registers = {"meter_start_wh": meter_wh, "meter_last_wh": meter_wh + 100, "energy_wh": 100}
    return a_row(number, **({"started_at": minutes(started), "suspect": False} | ends | registers | more))


@pytest.mark.parametrize(
    "place",
    [(1501, 65, 5000), (1499, -35, 900)],
)
@pytest.mark.parametrize(
    ("more", "is_merged"),
    [
        ({}, True),
        ({"evse_number": 2}, False),
        ({"charge_point_id": 2}, False),
        ({"merged_into_id": 1001}, False),
    ],
)
def test_a_session_is_merged_with_the_one_before_or_after_it_on_its_evse(
    garage: ChargePoint, place: tuple[int, float, float], more: dict[str, Any], is_merged: bool
) -> None:
    ChargePoint.objects.create(pk=2, identity="CP-2")
    a_neighbour(1001, -600, 0, id_token="ANOTHER")
    a_neighbour(2000, 600, 9000, id_token="ANOTHER")
    row = a_row(1500)
    a_neighbour(*place, **more)

    proposal = proposing.proposed(row)

    assert (proposal.fix, proposal.other) == ((Fix.MERGE, place[0]) if is_merged else (Fix.IGNORE, None))


@pytest.mark.parametrize(
    ("more", "queries"),
    [
        ({"suspect_reasons": ["clock-implausible"]}, 0),
        ({"suspect_reasons": ["superseded"]}, 2),
        # One of them: whether an earlier release stored samples of the session.
        ({"suspect_reasons": ["meter-reset"]}, 3),
        ({"suspect_reasons": ["superseded", "meter-reset"]}, 5),
        ({"suspect_reasons": ["superseded", "meter-reset"], "status": "active"}, 0),
    ],
)
def test_a_proposal_reads_only_what_its_suspicions_need(
    garage: ChargePoint, django_assert_num_queries: Any, more: dict[str, Any], queries: int
) -> None:
    row = a_row(**more)

    with django_assert_num_queries(queries):
        proposing.proposed(row)


# -- evidence of the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "connector", "is_charging"),
    [
        ({}, {}, False),
        ({}, {"status": "Occupied"}, True),
        ({}, {"status_received_at": minutes(-0.1)}, True),
        ({"connector_number": None}, {}, False),
        ({"connector_number": None}, {"number": 2}, False),
        ({}, {"number": 2}, True),
        ({"evse_number": 2}, {}, True),
        ({"evse_number": None}, {}, True),
    ],
)
def test_only_a_free_connector_of_the_session_is_evidence_of_its_end(
    garage: ChargePoint, more: dict[str, Any], connector: dict[str, Any], is_charging: bool
) -> None:
    row = charging(garage, last_message_at=NOON, **more)
    other = ChargePoint.objects.create(identity="CP-2")
    free: dict[str, Any] = {"number": 1, "status": "Available", "status_received_at": NOON}
    for owner, values in ((garage, free | connector), (other, free)):
        evse = Evse.objects.create(charge_point=owner, number=1)
        Connector.objects.create(charge_point=owner, evse=evse, **values)

    assert proposing.is_evidently_charging(row, NOON + timedelta(minutes=1)) is is_charging
