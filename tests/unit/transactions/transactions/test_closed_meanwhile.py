"""Closing a session while something else happens, and the closing of silent sessions by housekeeping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from events.models import Event
from tests.unit.transactions.transactions.live_station import minutes
from tests.unit.transactions.transactions.stored_sessions import a_row, garage
from transactions.models import Transaction
from transactions.services.transactions import closing

__all__ = ["garage"]

ABANDONED, OPERATOR = Transaction.EndedBy.ABANDONED, Transaction.EndedBy.OPERATOR


def open_session(number: int = 1000, **more: Any) -> Transaction:
    values = {
        "status": "active",
        "ended_by": "",
        "stopped_at": None,
        "meter_stop_wh": None,
        "suspect": False,
        "suspect_reasons": [],
        "updated_at": minutes(0),
    }
    return a_row(number, **(values | more))


def ended_by() -> list[str]:
    return list(Transaction.objects.order_by("pk").values_list("ended_by", flat=True))


def test_a_message_that_is_stored_meanwhile_is_not_overwritten(garage: ChargePoint) -> None:
    open_session()

    def meanwhile(present: list[str]) -> list[str]:
        Transaction.objects.filter(last_message_at=minutes(60)).update(
            last_message_at=minutes(61), meter_last_wh=5500
        )
        return present

    assert closing.close(1000, by=OPERATOR, reasons=meanwhile)

    row = Transaction.objects.get()
    assert (row.meter_stop_wh, row.stopped_at) == (5500, minutes(61))


def test_only_the_named_session_is_closed(garage: ChargePoint) -> None:
    open_session()
    open_session(1001)

    closing.close(1000, by=OPERATOR)

    assert ended_by() == ["operator", ""]


def test_a_session_is_closed_at_a_given_moment_with_a_reason(garage: ChargePoint) -> None:
    open_session()
    before = datetime.now(UTC)

    closing.close(1000, by=OPERATOR, at=minutes(30), stop_reason="R" * 65)

    row = Transaction.objects.get()
    assert (row.stopped_at, row.stop_reason) == (minutes(30), "R" * 64)
    assert row.stop_received_at is not None
    assert before <= min(row.updated_at, row.stop_received_at)
    assert max(row.updated_at, row.stop_received_at) <= datetime.now(UTC)


def test_a_closed_session_is_announced_once(garage: ChargePoint) -> None:
    open_session()

    for _ in range(2):
        closing.close(1000, by=OPERATOR)

    assert [event.type for event in Event.objects.all()] == ["transaction.ended"]


@pytest.mark.parametrize(
    ("present", "added", "wanted"),
    [
        (["abandoned"], "abandoned", ["abandoned"]),
        (["abandoned: a: b"], "abandoned", ["abandoned: a: b"]),
        (["abandoned"], "abandoned: c: d", ["abandoned"]),
        (["superseded: 1"], "abandoned: 1", ["superseded: 1", "abandoned: 1"]),
    ],
)
def test_a_reason_is_added_unless_its_code_is_there(
    garage: ChargePoint, present: list[str], added: str, wanted: list[str]
) -> None:
    open_session(suspect=True, suspect_reasons=present)

    closing.close(1000, by=OPERATOR, reasons=(added,))

    assert Transaction.objects.get().suspect_reasons == wanted


# -- silent sessions -----------------------------------------------------------------------------------------


def test_a_session_without_messages_is_abandoned_and_suspect(garage: ChargePoint) -> None:
    open_session(last_message_at=minutes(59))
    open_session(1001, last_message_at=minutes(60))

    closing.close_abandoned(minutes(60))

    assert ended_by() == ["abandoned", ""]
    first = Transaction.objects.get(pk=1000)
    assert (first.suspect, first.suspect_reasons) == (True, ["abandoned"])


def test_a_session_with_a_message_at_the_last_moment_is_not_abandoned(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_session()
    close = closing.close

    def late(number: int, **how: Any) -> bool:
        Transaction.objects.update(last_message_at=minutes(61))
        return close(number, **how)

    monkeypatch.setattr(closing, "close", late)
    closing.close_abandoned(minutes(60) + timedelta(seconds=1))

    assert ended_by() == [""]


# -- after the commit ----------------------------------------------------------------------------------------


def failing(identity: str) -> None:
    raise ValueError(identity)


@pytest.mark.django_db(transaction=True)
def test_a_failing_reload_does_not_undo_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ChargePoint.objects.create(pk=1, identity="CP-1")
    row = open_session()
    monkeypatch.setattr(closing.stations, "reload", failing)

    assert closing.close(1000, by=OPERATOR)
    closing.reload_when_stored(row)

    assert ended_by() == ["operator"]
