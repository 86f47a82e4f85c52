"""The readings of running sessions write no index (PostgreSQL)."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.state import ProjectState
from django.utils import timezone

from chargepoints.models import ChargePoint
from ocpp_server.storage.operations import SetFillfactor
from transactions.tables import TRANSACTIONS

pytestmark = pytest.mark.django_db(transaction=True)


def query(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def updates() -> tuple[int, int]:
    """Updates of sessions so far, and those of them that wrote no index."""
    query("SELECT pg_stat_force_next_flush()")
    found: tuple[int, int] = query(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'transactions_transaction'"
    )
    return found


def test_a_reading_of_every_session_of_a_page_writes_no_index() -> None:
    station = ChargePoint.objects.create(identity="CP", identity_key="cp")
    times = dict.fromkeys(
        ("started_at", "start_received_at", "last_message_at", "updated_at"), timezone.now()
    )
    numbers = range(1000, 1060)
    TRANSACTIONS.insert(
        [
            TRANSACTIONS.row({"id": number, "ocpp_id": str(number), "charge_point_id": station.pk, **times})
            for number in numbers
        ]
    )
    before = updates()

    for wh in range(20):
        columns = ("meter_last_wh", "energy_wh", "charging_state", "last_message_at")
        TRANSACTIONS.update(columns, [[wh, wh, "Charging", timezone.now(), number] for number in numbers])

    changed, without_index = (now - then for now, then in zip(updates(), before, strict=True))
    assert changed == 20 * len(numbers)
    assert without_index >= 0.9 * changed


def test_the_room_can_be_taken_back() -> None:
    state = ProjectState.from_apps(apps)
    step = SetFillfactor("transaction", percent=50)
    options = "SELECT reloptions FROM pg_class WHERE relname = 'transactions_transaction'"

    assert query(options) == (["fillfactor=50"],)
    with connection.schema_editor() as editor:
        step.database_backwards("transactions", editor, state, state)
    assert query(options) == (None,)
    with connection.schema_editor() as editor:
        step.database_forwards("transactions", editor, state, state)
    assert query(options) == (["fillfactor=50"],)


def test_a_migration_can_write_the_operation_down() -> None:
    step = SetFillfactor("transaction", percent=50)

    name, positional, named = step.deconstruct()

    assert (name, positional, named) == ("SetFillfactor", [], {"model_name": "transaction", "percent": 50})
    assert step.describe() == "Fill pages of transaction to 50 % on PostgreSQL"
