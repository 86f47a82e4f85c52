"""SQL for many rows: the ORM reads the values that were written, at any size of a statement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from chargepoints.models import ChargePoint, Message
from chargepoints.tables import CHARGE_POINTS
from ocpp_server.storage.bulk import Table

pytestmark = pytest.mark.django_db

# A statement has 64, 16, 4 or 1 rows; this number needs several of them.
MANY = 64 + 16 + 4 + 1
BEGIN = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_many_updates_in_one_statement_reach_each_its_own_row_and_no_other() -> None:
    points = [ChargePoint.objects.create(identity=f"many-{n}", vendor="before") for n in range(MANY + 1)]
    other = points.pop()

    with transaction.atomic():
        CHARGE_POINTS.update(
            ("vendor", "last_seen_at"),
            [[f"vendor {n}", BEGIN + timedelta(seconds=n), point.pk] for n, point in enumerate(points)],
        )

    for n, point in enumerate(points):
        point.refresh_from_db()
        assert (point.vendor, point.last_seen_at) == (f"vendor {n}", BEGIN + timedelta(seconds=n))
    other.refresh_from_db()
    assert (other.vendor, other.last_seen_at) == ("before", None)


def test_rows_are_returned_in_the_order_of_their_request() -> None:
    station = ChargePoint.objects.create(identity="ordered")
    order = tuple(reversed(Table(Message).names))
    table = Table(Message, order=order)

    values = {"charge_point_id": station.pk, "direction": "in", "action": "Heartbeat", "request": "{}"}
    values |= {"response": "{}", "error_code": "", "error_description": "", "size": 20, "duration_ms": None}
    rows = [values | {"message_id": f"m{n}", "at": BEGIN + timedelta(seconds=n)} for n in range(MANY)]
    table.insert([[row[name] for name in order] for row in rows])

    stored = Message.objects.filter(charge_point=station, action="Heartbeat").order_by("id")
    assert list(stored.values_list("message_id", "at")) == [
        (f"m{n}", BEGIN + timedelta(seconds=n)) for n in range(MANY)
    ]


def test_a_table_refuses_columns_that_its_model_does_not_have() -> None:
    with pytest.raises(TypeError, match="has other columns than"):
        Table(Message, order=("message_id", "colour"))
    with pytest.raises(TypeError, match="has no column colour"):
        Table(Message).row({"colour": "red"})
