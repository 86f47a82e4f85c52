"""Rows that are written with every message have no foreign key to check; deletion takes them along
(PostgreSQL).
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.state import ProjectState

from chargepoints.models import ChargePoint, Message
from chargepoints.services.provisioning import stations
from ocpp_server.storage.operations import DropForeignKey
from transactions.models import Transaction, TransactionEvent

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def referenced_by(table: str) -> set[str]:
    """The tables that a constraint of this one names."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    return {about["foreign_key"][0] for about in found.values() if about["foreign_key"]}


def station(identity: str) -> ChargePoint:
    return ChargePoint.objects.create(identity=identity, identity_key=identity.lower())


def message(charge_point: ChargePoint) -> Message:
    return Message.objects.create(
        charge_point=charge_point,
        direction="in",
        message_id="1",
        action="Heartbeat",
        request="{}",
        size=2,
        at=NOW,
    )


def test_only_rows_of_every_message_have_no_constraint() -> None:
    assert referenced_by("chargepoints_message") == set()
    assert referenced_by("transactions_transactionevent") == set()
    assert referenced_by("transactions_transaction") >= {"chargepoints_chargepoint", "accounts_token"}


def test_a_deleted_station_leaves_no_message() -> None:
    deleted, kept = station("CP-1"), station("CP-2")
    message(deleted)
    left = message(kept)

    stations.delete(deleted)

    assert Message.objects.get() == left


def test_a_deleted_session_leaves_no_event() -> None:
    session = Transaction.objects.create(
        id=1000,
        ocpp_id="1000",
        charge_point=station("CP-1"),
        started_at=NOW,
        start_received_at=NOW,
        last_message_at=NOW,
    )
    TransactionEvent.objects.create(
        transaction=session, seq_no=0, type="Started", fingerprint=1, payload="{}", at=NOW, received_at=NOW
    )

    session.delete()

    assert not TransactionEvent.objects.exists()


def test_a_constraint_is_dropped_from_a_table_with_partitions_and_the_way_back_changes_nothing() -> None:
    table, state = "chargepoints_message", ProjectState.from_apps(apps)
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT of_a_station FOREIGN KEY (charge_point_id)"
            " REFERENCES chargepoints_chargepoint (id) DEFERRABLE INITIALLY DEFERRED"
        )
    assert referenced_by(table) == {"chargepoints_chargepoint"}

    step = DropForeignKey("message", field="charge_point")
    for way in (step.database_forwards, step.database_forwards, step.database_backwards):
        with connection.schema_editor() as editor:
            way("chargepoints", editor, state, state)
        assert referenced_by(table) == set()

    assert step.deconstruct()[2] == {"model_name": "message", "field": "charge_point"}
    assert step.describe() == "Drop the constraint of message.charge_point on PostgreSQL"
