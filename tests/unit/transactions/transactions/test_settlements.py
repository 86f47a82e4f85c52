"""Settlements: what is kept and announced of an operator's decision, and how a refused one is explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync

from chargepoints.models import ChargePoint
from events.models import Event
from ocpp_server import live
from ocpp_server.domain import Conflict, DomainError, Invalid
from ocpp_server.error_codes import Code
from tests.unit.transactions.transactions.live_station import minutes
from tests.unit.transactions.transactions.stored_sessions import a_row, charging, garage
from transactions.live.stations import transaction_state
from transactions.models import Settlement, Transaction
from transactions.services.transactions import closing, settling
from transactions.services.transactions.fixes import Fix

__all__ = ["garage"]

WHY: dict[str, Any] = {"actor": "op", "reason": "Because."}
BY_HAND: dict[str, Any] = {**WHY, "by_hand": True}


def a_second(**more: Any) -> Transaction:
    """A session after the one of `a_row`, on the same EVSE and with the same token."""
    values: dict[str, Any] = {
        "ended_by": "station",
        "stop_reason": "Local",
        "stop_id_token": "OTHER",
        "stop_authorization_status": "Blocked",
        "stop_authorization_reason": "The token is blocked.",
        "meter_start_wh": 5100,
        "meter_last_wh": 7050,
        "meter_stop_wh": 7100,
        "energy_wh": 2000,
        "energy_by_hour": {"2": 500.0, "3": 1500.0},
        "suspect_reasons": ["start-missing"],
        "started_at": minutes(61),
        "stopped_at": minutes(120),
        "stop_received_at": minutes(121),
        "last_message_at": minutes(120),
    }
    return a_row(1001, **(values | more))


def stuck(garage: ChargePoint, **more: Any) -> Transaction:
    """A running session without a recent message."""
    return charging(garage, **({"last_message_at": minutes(60)} | more))


def announced() -> list[tuple[str, dict[str, Any]]]:
    return [(event.type, orjson.loads(event.data)) for event in Event.objects.order_by("id")]


# -- what is kept --------------------------------------------------------------------------------------------


def test_a_settlement_keeps_the_session_before_and_after_it(garage: ChargePoint) -> None:
    a_row(stop_reason="Local", stopped_at=minutes(60) + timedelta(milliseconds=5))

    settling.settle(
        1000, fix=Fix.CORRECT_ENERGY, energy_wh=2000, by_hand=True, actor="a" * 151, reason="Because."
    )

    kept = Settlement.objects.get()
    assert kept.before == {
        "status": "ended",
        "ended_by": "superseded",
        "stop_reason": "Local",
        "meter_start_wh": 1000,
        "meter_stop_wh": 5000,
        "meter_last_wh": 5000,
        "energy_wh": 4000,
        "energy_by_hour": {"1": 1000, "2": 3000},
        "merged_into_id": None,
        "suspect_reasons": ["superseded"],
        "stopped_at": "2026-05-04T13:00:00.005Z",
    }
    changed = {"energy_wh": 2000, "energy_by_hour": {"1": 500, "2": 1500}, "suspect_reasons": []}
    assert kept.after == kept.before | changed
    assert (kept.transaction_id, kept.merged_with_id, kept.fix) == (1000, None, "correct-energy")
    assert (kept.actor, kept.reason) == ("a" * 150, "Because.")


def test_a_running_session_has_no_end_before_its_settlement(garage: ChargePoint) -> None:
    stuck(garage)

    settlement = settling.end_session(1000, **WHY)

    assert (settlement.before["stopped_at"], settlement.before["status"]) == (None, "active")
    assert (settlement.after["stopped_at"], settlement.after["status"]) == (
        "2026-05-04T13:00:00.000Z",
        "ended",
    )
    assert (settlement.fix, settlement.actor, settlement.reason) == ("end", "op", "Because.")


def test_the_first_of_two_merged_sessions_takes_the_whole_end_of_the_second(garage: ChargePoint) -> None:
    a_row()
    a_second()

    settling.settle(1000, fix=Fix.MERGE, other=1001, **BY_HAND)

    first = Transaction.objects.get(pk=1000)
    assert (first.ended_by, first.stop_reason, first.stop_id_token) == ("station", "Local", "OTHER")
    assert (first.stop_authorization_status, first.stop_authorization_reason) == (
        "Blocked",
        "The token is blocked.",
    )
    assert (first.meter_last_wh, first.meter_stop_wh) == (7050, 7100)
    assert (first.stopped_at, first.stop_received_at) == (minutes(120), minutes(121))
    # 6,000 Wh of both, and 100 Wh between them.
    assert first.energy_by_hour == {"1": 1016.667, "2": 3558.333, "3": 1525}


@pytest.mark.parametrize("number", [1000, 1001])
def test_of_two_sessions_that_began_together_the_lower_number_is_the_first(
    garage: ChargePoint, number: int
) -> None:
    a_row()
    a_second(started_at=minutes(0))

    settling.settle(number, fix=Fix.MERGE, other=2001 - number, **BY_HAND)

    assert [row.merged_into_id for row in Transaction.objects.order_by("pk")] == [None, 1000]


def test_a_settled_session_is_among_the_changed_ones(garage: ChargePoint) -> None:
    a_row(updated_at=minutes(0))
    before = datetime.now(UTC)

    settling.settle(1000, fix=Fix.IGNORE, **WHY)

    assert before <= Transaction.objects.get().updated_at <= datetime.now(UTC)


# -- what is announced ---------------------------------------------------------------------------------------


def test_a_merge_is_announced_with_the_changed_fields_of_both(garage: ChargePoint) -> None:
    a_row()
    a_second()

    settling.settle(1001, fix=Fix.MERGE, other=1000, **BY_HAND)

    of_first = ["endedBy", "energyWh", "meterStop", "stopReason", "stopTime", "suspectReasons"]
    of_second = ["energyWh", "mergedInto", "suspectReasons"]
    assert announced() == [
        (
            "transaction.amended",
            {"transactionId": number, "changed": changed, "energyWh": energy_wh, "why": "merge"},
        )
        for number, changed, energy_wh in ((1000, of_first, 6100), (1001, of_second, 0))
    ]


def test_the_end_of_a_running_session_is_one_event(garage: ChargePoint) -> None:
    stuck(garage)

    settling.end_session(1000, **WHY)

    assert [kind for kind, _ in announced()] == ["transaction.ended"]


def test_a_settlement_that_changes_no_shown_field_is_not_announced(garage: ChargePoint) -> None:
    a_row(suspect_reasons=[])

    settling.settle(1000, fix=Fix.IGNORE, **WHY)

    assert announced() == []


# -- running sessions ----------------------------------------------------------------------------------------


def test_an_ended_session_keeps_the_suspicions_that_are_not_about_its_connector(garage: ChargePoint) -> None:
    stuck(garage, suspect_reasons=["connector-available: 1", "abandoned", "superseded: x"])

    settling.end_session(1000, **WHY)

    row = Transaction.objects.get()
    assert (row.suspect, row.suspect_reasons, row.stop_reason) == (True, ["superseded: x"], "Operator")


def test_a_session_at_a_free_connector_is_closed_by_the_proposal(garage: ChargePoint) -> None:
    stuck(garage, suspect_reasons=["connector-available", "superseded"])

    settlement = settling.settle(1000, **WHY)

    row = Transaction.objects.get()
    assert (row.status, row.ended_by, row.meter_stop_wh) == ("ended", "operator", 5000)
    assert (row.suspect, row.suspect_reasons, settlement.fix) == (False, [], "close")
    assert settling.summary(settlement) == "Session 1000 closed with 4,000 Wh."


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"status": "active", "stopped_at": None, "suspect_reasons": ["clock-implausible"]}, "active"),
        ({"suspect_reasons": ["meter-reset: 1 to 0 Wh"]}, "ended"),
    ],
)
def test_a_suspicion_that_the_server_would_not_add_again_is_ignored(
    garage: ChargePoint, more: dict[str, Any], status: str
) -> None:
    a_row(**more)

    settlement = settling.settle(1000, fix=Fix.IGNORE, **WHY)

    row = Transaction.objects.get()
    assert (row.status, row.suspect, row.suspect_reasons) == (status, False, [])
    assert settling.summary(settlement) == "Session 1000 is no longer suspect. Nothing else was changed."


async def _running() -> list[int]:
    return [one.id for one in await live.state().running("card")]


@pytest.mark.parametrize(("status", "left"), [("active", [1000]), ("ended", [])])
def test_the_processes_learn_of_a_settled_session_after_the_commit(
    garage: ChargePoint,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    status: str,
    left: list[int],
) -> None:
    row = a_row(status="active", suspect_reasons=["clock-implausible"])
    live.reset()
    live.state().transaction_changed(transaction_state(row, "CP-1"))
    Transaction.objects.update(status=status)
    loaded: list[str] = []
    monkeypatch.setattr(closing.stations, "reload", loaded.append)

    with django_capture_on_commit_callbacks(execute=True):
        settling.settle(1000, fix=Fix.IGNORE, **WHY)
        assert (loaded, async_to_sync(_running)()) == ([], [1000])

    assert (loaded, async_to_sync(_running)()) == (["CP-1"], left)
    live.reset()


# -- several at once -----------------------------------------------------------------------------------------


def test_each_of_several_sessions_is_settled_once_and_a_failure_is_explained(garage: ChargePoint) -> None:
    a_row()
    a_second(suspect_reasons=["events-missing: 2"])

    outcomes = settling.settle_many([1000, 5000, 1001, 1000], fix=Fix.IGNORE, actor="op", reason="Because.")

    ignored = "is no longer suspect. Nothing else was changed."
    assert [(one.number, one.sentence) for one in outcomes] == [
        (1000, f"Session 1000 {ignored}"),
        (5000, "Session 5000 not found."),
        (1001, f"Session 1001 {ignored}"),
    ]
    made = [one.settlement and (one.settlement.fix, one.settlement.actor) for one in outcomes]
    assert made == [("ignore", "op"), None, ("ignore", "op")]
    assert set(Settlement.objects.values_list("reason", flat=True)) == {"Because."}


def test_several_sessions_are_ended_except_those_that_charge(garage: ChargePoint) -> None:
    stuck(garage)
    charging(garage, number=1001)

    outcomes = settling.end_many([1000, 1001], actor="op", reason="Because.")

    assert [one.settlement is not None for one in outcomes] == [True, False]
    assert outcomes[0].sentence == "Session 1000 ended. Its token can charge again."
    assert outcomes[1].sentence.startswith("Session 1001 had a message less than 5 minutes ago.")
    kept = Settlement.objects.get()
    assert (kept.actor, kept.reason, kept.transaction_id) == ("op", "Because.", 1000)


@pytest.mark.parametrize("number", [1000, 1001])
def test_the_summary_of_a_merge_names_both_sessions_and_the_one_with_the_energy(
    garage: ChargePoint, number: int
) -> None:
    a_row()
    a_second()

    settlement = settling.settle(number, fix=Fix.MERGE, other=2001 - number, **BY_HAND)

    assert settling.summary(settlement) == (
        f"Sessions {number} and {2001 - number} merged: session 1000 has the energy."
    )


# -- refused decisions ---------------------------------------------------------------------------------------

RUNNING: dict[str, Any] = {"status": "active", "stopped_at": None}


@pytest.mark.parametrize(
    ("more", "decide", "code"),
    [
        ({}, lambda: settling.end_session(1000, **WHY), Code.TRANSACTION_ENDED),
        ({"suspect": False}, lambda: settling.settle(1000, **WHY), Code.NOT_SUSPECT),
        ({}, lambda: settling.settle(1000, fix=Fix.CLOSE, **WHY), Code.TRANSACTION_ENDED),
        (
            RUNNING | {"suspect_reasons": ["meter-jump"]},
            lambda: settling.settle(1000, fix=Fix.IGNORE, **WHY),
            Code.TRANSACTION_RUNNING,
        ),
        (
            RUNNING,
            lambda: settling.settle(1000, fix=Fix.CORRECT_ENERGY, energy_wh=1, **BY_HAND),
            Code.TRANSACTION_RUNNING,
        ),
        (
            RUNNING,
            lambda: settling.settle(1000, fix=Fix.MERGE, other=1001, **BY_HAND),
            Code.TRANSACTION_RUNNING,
        ),
        # No fix can be proposed while the energy is not final.
        (
            RUNNING | {"suspect_reasons": ["meter-jump"]},
            lambda: settling.settle(1000, **WHY),
            Code.STATE_CONFLICT,
        ),
    ],
)
def test_a_decision_that_the_state_does_not_allow_says_which_state(
    garage: ChargePoint, more: dict[str, Any], decide: Callable[[], Any], code: Code
) -> None:
    a_row(**more)
    a_second()

    with pytest.raises(Conflict) as error:
        decide()

    assert error.value.code is code
    assert not Settlement.objects.exists()


def test_a_vehicle_that_charges_is_the_reason_of_its_refusal(garage: ChargePoint) -> None:
    charging(garage)

    for decide in (settling.end_session, settling.settle):
        with pytest.raises(Conflict) as error:
            decide(1000, **WHY)
        assert error.value.code is Code.STILL_CHARGING


def test_a_session_that_ends_while_an_operator_ends_it_has_ended(garage: ChargePoint) -> None:
    row = stuck(garage)
    closing.close(1000, by=Transaction.EndedBy.INTERRUPTED)

    with pytest.raises(Conflict) as error:
        settling._close(row, ())

    assert error.value.code is Code.TRANSACTION_ENDED
    assert Transaction.objects.get().ended_by == "interrupted"


@pytest.mark.parametrize(
    ("decide", "field"),
    [
        (lambda: settling.settle(1000, fix=Fix.END, **BY_HAND), "fix"),
        (lambda: settling.settle(1000, fix=Fix.CORRECT_ENERGY, **BY_HAND), "energyWh"),
        (lambda: settling.settle(1000, fix=Fix.CORRECT_ENERGY, energy_wh=-1, **BY_HAND), "energyWh"),
        (lambda: settling.settle(1000, fix=Fix.MERGE, **BY_HAND), "into"),
        (lambda: settling.settle(1000, fix=Fix.IGNORE, actor="op", reason=" "), "reason"),
        (lambda: settling.settle(1000, fix=Fix.IGNORE, actor="op", reason="x" * 301), "reason"),
        (lambda: settling.settle_many([], actor="op", reason=""), "reason"),
        (lambda: settling.end_many([], actor="op", reason=""), "reason"),
        (lambda: settling.end_session(1000, actor="op", reason="", force=True), "reason"),
    ],
)
def test_an_invalid_decision_names_its_field_and_changes_nothing(
    garage: ChargePoint, decide: Callable[[], Any], field: str
) -> None:
    a_row()
    before = Transaction.objects.values().get()

    with pytest.raises(Invalid) as error:
        decide()

    assert error.value.field == field
    assert Transaction.objects.values().get() == before


def test_a_session_that_was_merged_already_has_the_energy_elsewhere(garage: ChargePoint) -> None:
    a_row()
    a_second(merged_into_id=1000)

    with pytest.raises(DomainError, match=r"Session 1001 was merged into 1000\."):
        settling.settle(1000, fix=Fix.MERGE, other=1001, **BY_HAND)
