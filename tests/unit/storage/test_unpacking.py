"""The way back from compressed columns: every text that was written since is in its old column again."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chargepoints.models import ChargePoint, Message
from ocpp_server.storage import unpacking

pytestmark = pytest.mark.django_db
COLUMNS = {"request": "request_text", "response": "response_text"}
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "AT_ONCE", 2)
    monkeypatch.setattr(unpacking, "PAUSE_S", 0)


def message(charger: ChargePoint, **texts: Any) -> int:
    values = {"direction": "in", "message_id": "1", "action": "Authorize", "size": 1, "at": NOON}
    return Message.objects.create(charge_point=charger, **(values | texts)).pk


def texts() -> list[tuple[Any, ...]]:
    """The columns as they are: compressed, and text."""
    return list(Message.objects.order_by("pk").values_list(*COLUMNS, *COLUMNS.values()))


def test_rows_of_both_forms_have_their_texts() -> None:
    charger = ChargePoint.objects.create(identity="back")
    message(charger, request_text="old", response_text="old answer")
    for number in range(5):
        message(charger, request=f"new {number} ä\\ 'x'", response="{}")
    message(charger, request="", response=None, response_text="old")

    changed = unpacking.unpack(Message, COLUMNS, "default")

    assert changed == 6
    assert texts() == [
        (None, None, "old", "old answer"),
        *((None, None, f"new {number} ä\\ 'x'", "{}") for number in range(5)),
        (None, None, "", "old"),
    ]


def test_each_step_is_a_transaction_of_few_rows() -> None:
    charger = ChargePoint.objects.create(identity="back")
    for number in range(5):
        message(charger, request=f"new {number}")

    with CaptureQueriesContext(connection) as asked:
        unpacking.unpack(Message, COLUMNS, "default")

    kinds = [each["sql"].split()[0] for each in asked.captured_queries]
    begun = [kind for kind in kinds if kind == "SAVEPOINT"]  # the test itself is the transaction
    assert len(begun) == 3
    assert kinds.count("SELECT") == 4


def test_an_interrupted_way_back_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    charger = ChargePoint.objects.create(identity="back")
    for number in range(5):
        message(charger, request=f"new {number}")

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(unpacking.time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            unpacking.unpack(Message, COLUMNS, "default")

    assert unpacking.unpack(Message, COLUMNS, "default") == 3
    assert [row[2] for row in texts()] == [f"new {number}" for number in range(5)]


def test_a_row_that_was_written_behind_the_last_step_is_carried_over(monkeypatch: pytest.MonkeyPatch) -> None:
    charger = ChargePoint.objects.create(identity="back")
    message(charger, request="first")
    late = iter(["late"])

    def write_meanwhile(_seconds: float) -> None:
        for text in late:
            message(charger, request=text)

    monkeypatch.setattr(unpacking.time, "sleep", write_meanwhile)

    assert unpacking.unpack(Message, COLUMNS, "default") == 2
    assert [row[2] for row in texts()] == ["first", "late"]


def test_nothing_to_do_is_one_query() -> None:
    message(ChargePoint.objects.create(identity="back"), request_text="old")

    with CaptureQueriesContext(connection) as asked:
        assert unpacking.unpack(Message, COLUMNS, "default") == 0
    assert len(asked) == 1


def test_the_reverse_code_of_a_migration_unpacks_the_model_of_the_migration() -> None:
    message(ChargePoint.objects.create(identity="back"), request="new")

    unpacking.way_back("chargepoints", "Message", COLUMNS)(apps, SimpleNamespace(connection=connection))

    assert texts() == [(None, None, "new", "")]
