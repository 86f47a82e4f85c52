"""An operator's decisions about money: who may set which energy, and what two merged sessions become."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from chargepoints.models import ChargePoint, Connector, Evse
from ocpp_server.domain import Conflict, Invalid, Missing
from tests.unit.transactions.transactions.live_station import NOON, minutes
from tests.unit.transactions.transactions.stored_sessions import a_row, charging, garage
from transactions.models import Settlement, Transaction
from transactions.services.metering.energy import SETTLED
from transactions.services.transactions import proposing, settling
from transactions.services.transactions.fixes import Fix, Proposal

__all__ = ["garage"]

WHY: dict[str, Any] = {"actor": "op", "reason": "Because."}


def following(**more: Any) -> Transaction:
    """The session that continues the one of `a_row`, and drew 2 kWh."""
    values: dict[str, Any] = {
        "ended_by": "station",
        "stop_reason": "Local",
        "stop_id_token": "OTHER",
        "meter_start_wh": 5100,
        "meter_last_wh": 7100,
        "meter_stop_wh": 7100,
        "energy_wh": 2000,
        "energy_by_hour": {"2": 500.0, "3": 1500.0},
        "suspect": False,
        "suspect_reasons": [],
        "started_at": minutes(61),
        "stopped_at": minutes(120),
        "last_message_at": minutes(120),
    }
    return a_row(1001, **(values | more))


# -- energy by hand ------------------------------------------------------------------------------------------

CORRECT = Proposal(Fix.CORRECT_ENERGY, "Words.", 4_000_000)
MERGE = Proposal(Fix.MERGE, "Words.", 6_100_000, 1001)


@pytest.mark.parametrize(
    ("proposal", "wanted", "by_hand", "result"),
    [
        (CORRECT, None, False, 4000),
        (CORRECT, 4000, False, 4000),
        (CORRECT, 4000 + 1e-9, False, 4000),  # the noise of a client's arithmetic
        (CORRECT, 4000.001, False, PermissionDenied),
        (CORRECT, 3999, False, PermissionDenied),
        (CORRECT, 3999, True, 3999),
        (CORRECT, 0, True, 0),
        (CORRECT, 10_000_000, True, 10_000_000),
        (CORRECT, -0.1, True, Invalid),
        (CORRECT, 10_000_000.1, True, Invalid),
        (MERGE, None, True, Invalid),  # the energy of another fix is not proposed for this one
        (MERGE, 6100, False, PermissionDenied),
    ],
)
def test_only_an_administrator_sets_another_energy_than_the_proposed(
    proposal: Proposal, wanted: float | None, by_hand: bool, result: Any
) -> None:
    if isinstance(result, type):
        with pytest.raises(result):
            settling._energy_of(proposal, wanted, by_hand=by_hand)
    else:
        assert settling._energy_of(proposal, wanted, by_hand=by_hand) == 1000 * result


@pytest.mark.parametrize(
    ("proposal", "other", "by_hand", "result"),
    [
        (MERGE, None, False, 1001),
        (MERGE, 1001, False, 1001),
        (MERGE, 1002, False, PermissionDenied),
        (MERGE, 1002, True, 1002),
        (CORRECT, None, True, Invalid),
        (CORRECT, 1001, False, PermissionDenied),
        (CORRECT, 1001, True, 1001),
    ],
)
def test_only_an_administrator_merges_with_another_session_than_the_proposed(
    proposal: Proposal, other: int | None, by_hand: bool, result: Any
) -> None:
    if isinstance(result, type):
        with pytest.raises(result):
            settling._other_of(proposal, other, by_hand=by_hand)
    else:
        assert settling._other_of(proposal, other, by_hand=by_hand) == result


@pytest.mark.parametrize(
    ("hours", "wanted", "scaled"),
    [
        ({"1": 1000, "2": 3000}, 2000, {"1": 500, "2": 1500}),
        ({"1": 1000, "2": 3000}, 0, {"1": 0, "2": 0}),
        ({"1": 1, "2": 1, "3": 1}, 1000, {"1": 333, "2": 334, "3": 333}),
        ({"1": 0}, 2000, None),
        ({"1": 0}, 0, {"1": 0}),
        ({}, 2000, None),
        ({}, 0, {}),
        (None, 2000, None),
        (None, 0, None),
    ],
)
def test_the_hours_are_scaled_to_another_energy(hours: Any, wanted: float, scaled: Any) -> None:
    assert settling._scaled(hours, wanted) == scaled


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_a_decision_has_a_reason(reason: str) -> None:
    with pytest.raises(Invalid):
        settling._check_reason(reason)
    settling._check_reason("x" * 300)


# -- correcting ----------------------------------------------------------------------------------------------


def test_a_corrected_energy_is_settled_and_no_longer_suspect(garage: ChargePoint) -> None:
    a_row()

    settling.settle(1000, fix=Fix.CORRECT_ENERGY, energy_wh=2000, by_hand=True, **WHY)

    row = Transaction.objects.get()
    assert (row.energy_wh, row.energy_by_hour, row.registers) == (2000, {"1": 500, "2": 1500}, SETTLED)
    assert (row.suspect, row.suspect_reasons, row.meter_stop_wh) == (False, [], 5000)
    kept = Settlement.objects.get()
    assert (kept.before["energy_wh"], kept.after["energy_wh"]) == (4000, 2000)
    assert kept.before["suspect_reasons"] == ["superseded"]
    assert settling.summary(kept) == "Energy of session 1000 changed to 2,000 Wh (before: 4,000 Wh)."


@pytest.mark.parametrize(
    ("number", "more", "fix", "error"),
    [
        (999, {}, Fix.IGNORE, Missing),
        (1000, {"suspect": False}, Fix.IGNORE, Conflict),
        (1000, {"status": "active", "stopped_at": None}, Fix.CORRECT_ENERGY, Conflict),
        (1000, {"status": "active", "suspect_reasons": ["meter-jump"]}, Fix.IGNORE, Conflict),
        (1000, {}, Fix.CLOSE, Conflict),
        (1000, {}, Fix.END, Invalid),
    ],
)
def test_a_session_that_cannot_be_settled_so_stays_as_it_is(
    garage: ChargePoint, number: int, more: dict[str, Any], fix: Any, error: Any
) -> None:
    a_row(**more)
    before = Transaction.objects.values().get()

    with pytest.raises(error):
        settling.settle(number, fix=fix, energy_wh=1, by_hand=True, **WHY)

    assert Transaction.objects.values().get() == before
    assert not Settlement.objects.exists()


# -- merging -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1000, 1001])
def test_the_first_of_two_merged_sessions_gets_the_energy_and_the_end(
    garage: ChargePoint, number: int
) -> None:
    a_row(suspect_reasons=["superseded", "meter-jump: a"])
    following(suspect=True, suspect_reasons=["start-missing", "events-missing: 2"])

    made = settling.settle(number, fix=Fix.MERGE, other=2001 - number, by_hand=True, **WHY)

    first, second = Transaction.objects.order_by("pk")
    assert (first.energy_wh, first.meter_start_wh, first.meter_stop_wh) == (6100, 1000, 7100)
    assert (first.ended_by, first.stop_reason, first.stop_id_token) == ("station", "Local", "OTHER")
    assert (first.started_at, first.stopped_at) == (NOON, minutes(120))
    assert first.energy_by_hour is not None
    assert (set(first.energy_by_hour), sum(first.energy_by_hour.values())) == ({"1", "2", "3"}, 6100)
    assert first.suspect_reasons == ["meter-jump: a", "events-missing: 2"]
    assert (second.energy_wh, second.merged_into_id, second.suspect) == (0, 1000, False)
    assert second.energy_by_hour == {"2": 0, "3": 0}
    assert (second.meter_start_wh, second.meter_stop_wh) == (5100, 7100)
    assert {first.registers, second.registers} == {SETTLED}
    assert made.transaction_id == number
    assert {(one.transaction_id, one.merged_with_id) for one in Settlement.objects.all()} == {
        (1000, 1001),
        (1001, 1000),
    }


@pytest.mark.parametrize(
    "more",
    [
        {"evse_number": 2},
        {"status": "active"},
        {"merged_into_id": 1000},
        {"id_token": "OTHER"},
        {"charge_point_id": 2},
    ],
)
def test_sessions_of_another_place_or_token_are_not_merged(garage: ChargePoint, more: dict[str, Any]) -> None:
    ChargePoint.objects.create(pk=2, identity="CP-2")
    a_row()
    following(**more)

    for number in (1000, 1001):
        Transaction.objects.update(suspect=True)
        with pytest.raises(Conflict):
            settling.settle(number, fix=Fix.MERGE, other=2001 - number, by_hand=True, **WHY)

    assert list(Transaction.objects.order_by("pk").values_list("energy_wh", flat=True)) == [4000, 2000]


@pytest.mark.parametrize("other", [1000, 5000])
def test_a_session_is_merged_with_another_that_exists(garage: ChargePoint, other: int) -> None:
    a_row()

    with pytest.raises(Invalid) as error:
        settling.settle(1000, fix=Fix.MERGE, other=other, by_hand=True, **WHY)

    assert error.value.field == "into"


def test_sessions_without_known_hours_have_none_after_the_merge(garage: ChargePoint) -> None:
    a_row(energy_by_hour=None)
    following()

    settling.settle(1000, fix=Fix.MERGE, other=1001, by_hand=True, **WHY)

    assert Transaction.objects.get(pk=1000).energy_by_hour is None


# -- ending --------------------------------------------------------------------------------------------------


def test_a_vehicle_that_charges_is_ended_only_by_force(garage: ChargePoint) -> None:
    charging(garage)

    for decide in (settling.end_session, settling.settle):
        with pytest.raises(Conflict, match="use remote-stop"):
            decide(1000, **WHY)
    assert Transaction.objects.get().status == "active"
    settling.end_session(1000, force=True, **WHY)

    row = Transaction.objects.get()
    assert (row.status, row.ended_by, row.meter_stop_wh, row.suspect) == ("ended", "operator", 5000, False)
    with pytest.raises(Conflict, match=r"ended already \(ended by: Operator\)"):
        settling.end_session(1000, force=True, **WHY)


@pytest.mark.parametrize(
    ("station", "more", "is_charging"),
    [
        ({}, {}, True),
        ({"is_online": False}, {}, False),
        ({"last_boot_at": minutes(1)}, {}, False),
        ({"last_boot_at": minutes(0)}, {}, True),
        ({}, {"status": "ended"}, False),
        ({}, {"last_message_at": minutes(-1)}, False),
        ({}, {"evse_number": None}, True),
    ],
)
def test_a_recent_message_of_a_connected_station_is_evidence_of_charging(
    garage: ChargePoint, station: dict[str, Any], more: dict[str, Any], is_charging: bool
) -> None:
    row = charging(garage, **({"last_message_at": NOON} | more))
    for name, value in station.items():
        setattr(row.charge_point, name, value)

    assert proposing.is_evidently_charging(row, minutes(0) + proposing.RECENT) is is_charging


@pytest.mark.parametrize(("connector", "at", "is_charging"), [(1, 0, False), (1, -1, True), (2, 0, True)])
def test_a_connector_that_became_free_since_is_evidence_of_the_end(
    garage: ChargePoint, connector: int, at: float, is_charging: bool
) -> None:
    row = charging(garage, last_message_at=NOON)
    evse = Evse.objects.create(charge_point=garage, number=1)
    Connector.objects.create(
        charge_point=garage, evse=evse, number=connector, status="Available", status_received_at=minutes(at)
    )

    assert proposing.is_evidently_charging(row, NOON) is is_charging
