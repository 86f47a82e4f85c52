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
PACKED, TEXTS = ("request", "response"), ("request_text", "response_text")


def messages(columns: tuple[str, str], count: int, text: str = '{"idTag":"CARD"}') -> list[int]:
    charger = ChargePoint.objects.create(identity="CP-1")
    values = {"direction": "in", "action": "Authorize", "size": 1, "at": NOON, columns[0]: text}
    return [
        Message.objects.create(
            charge_point=charger, message_id=str(number), **(values | {columns[1]: "CARD"})
        ).pk
        for number in range(count)
    ]


@pytest.mark.parametrize(("rows", "batches"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
@pytest.mark.parametrize(("columns", "queries"), [(TEXTS, 1), (PACKED, 2)])
def test_each_row_is_found_once_in_as_many_queries_as_there_are_batches(
    monkeypatch: pytest.MonkeyPatch, columns: tuple[str, str], queries: int, rows: int, batches: int
) -> None:
    monkeypatch.setattr(privacy, "_AT_ONCE", 2)
    written = messages(columns, rows)

    with CaptureQueriesContext(connection) as asked:
        found = [row.pk for row in privacy._rows(Message, columns, "icontains", ["card", "ca"])]

    assert found == written
    # The first one finds the limits. Compressed columns are read, and then the rows with a word.
    assert len(asked) == 1 + batches * queries


def test_every_word_is_in_a_condition_and_every_condition_finds_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(privacy, "_MOST_COMPARISONS", 2)
    charger = ChargePoint.objects.create(identity="CP-1")
    values = {"charge_point": charger, "direction": "in", "action": "Authorize", "size": 1, "at": NOON}
    words = ["first", "second", "third"]
    written = [Message.objects.create(**values, message_id=word, request_text=word).pk for word in words]

    found = [row.pk for row in privacy._rows(Message, TEXTS, "icontains", words)]

    assert found == written


def test_a_row_that_texts_and_compressed_columns_name_is_found_once() -> None:
    (pk,) = messages(("request_text", "response"), 1)

    found = [row.pk for row in privacy._rows(Message, PACKED + TEXTS, "icontains", ["card"])]

    assert found == [pk]


def test_rows_without_a_word_in_their_compressed_columns_are_not_loaded() -> None:
    messages(PACKED, 3, "{}")

    with CaptureQueriesContext(connection) as asked:
        assert list(privacy._rows(Message, ("request",), "icontains", ["card"])) == []

    assert len(asked) == 2


def test_without_a_word_or_a_row_nothing_is_searched() -> None:
    def queries(words: list[str]) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert list(privacy._rows(Message, PACKED + TEXTS, "icontains", words)) == []
        return len(asked)

    assert (queries([]), queries(["card"])) == (0, 1)
