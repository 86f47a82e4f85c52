"""The way beyond the last page of a long list, and numbers that are only about right."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chargepoints.models import Command, Message
from ocpp_server.admin.totals import beyond, rounded
from transactions.models import Transaction

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "shown"), [(7, 7), (12_345, 12_300), (999_999, 1_000_000), (1_234_567, 1_230_000)]
)
def test_an_estimate_has_three_digits(number: int, shown: int) -> None:
    assert rounded(number) == shown


def test_a_list_by_number_goes_on_below_its_last_row() -> None:
    assert beyond(Transaction, "-id", Transaction(id=4711)) == {"id__lt": "4711"}
    assert beyond(Message, "pk", Message(id=8)) == {"id__gt": "8"}


def test_a_list_by_time_goes_on_with_the_time_of_its_last_row() -> None:
    assert beyond(Command, "-created_at", Command(created_at=NOON)) == {
        "created_at__lte": "2026-05-04T12:00:00+00:00"
    }
    assert beyond(Command, "created_at", Command(created_at=NOON)) == {
        "created_at__gte": "2026-05-04T12:00:00+00:00"
    }


def test_other_orders_have_no_way_beyond() -> None:
    assert beyond(Command, "action", Command(action="Reset")) == {}
    assert beyond(Transaction, "-stopped_at", Transaction(stopped_at=None)) == {}
