"""The search for personal data reads the logs in batches: stations continue to write meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chargepoints.models import ChargePoint, Message
from transactions.services import privacy

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("rows", "batches"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_each_row_is_found_once_in_as_many_queries_as_there_are_batches(
    monkeypatch: pytest.MonkeyPatch, rows: int, batches: int
) -> None:
    monkeypatch.setattr(privacy, "_AT_ONCE", 2)
    charger = ChargePoint.objects.create(identity="CP-1")
    written = [
        Message.objects.create(
            charge_point=charger,
            direction="in",
            message_id=str(number),
            action="Authorize",
            request='{"idTag":"CARD"}',
            response="CARD",
            size=1,
            at=NOON,
        ).pk
        for number in range(rows)
    ]

    with CaptureQueriesContext(connection) as asked:
        found = [
            row.pk for row in privacy._rows(Message, ("request", "response"), "icontains", ["card", "ca"])
        ]

    assert found == written
    assert len(asked) == 1 + batches  # the first one finds the limits


def test_without_a_word_or_a_row_nothing_is_searched() -> None:
    def queries(words: list[str]) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert list(privacy._rows(Message, ("request",), "icontains", words)) == []
        return len(asked)

    assert (queries([]), queries(["card"])) == (0, 1)
