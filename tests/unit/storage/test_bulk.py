"""SQL for many rows: the ORM reads the values that were written, at any size of a statement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from chargepoints.models import ChargePoint, Message
from chargepoints.tables import CHARGE_POINTS, MESSAGES
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
    empty = ("request_text", "response_text")
    order = tuple(reversed(Table(Message, empty=empty).names))
    table = Table(Message, order=order, empty=empty)

    values = {"charge_point_id": station.pk, "direction": "in", "action": "Heartbeat", "request": "{}"}
    values |= {"response": "{}", "error_code": "", "error_description": "", "size": 20, "duration_ms": None}
    rows = [values | {"message_id": f"m{n}", "at": BEGIN + timedelta(seconds=n)} for n in range(MANY)]
    table.insert([[row[name] for name in order] for row in rows])

    stored = Message.objects.filter(charge_point=station, action="Heartbeat").order_by("id")
    assert list(stored.values_list("message_id", "at")) == [
        (f"m{n}", BEGIN + timedelta(seconds=n)) for n in range(MANY)
    ]


@pytest.mark.parametrize("rows", [1, 4, MANY])
def test_compressed_columns_are_read_by_the_orm(rows: int) -> None:
    station = ChargePoint.objects.create(identity="packed")
    values = {"charge_point_id": station.pk, "direction": "in", "action": "A", "at": BEGIN, "size": 2}
    texts = [f'{{"a":"{"ä" * n}","b":"\\"}}' for n in range(rows)]

    MESSAGES.insert([MESSAGES.row(values | {"message_id": "", "request": text}) for text in texts])

    stored = Message.objects.filter(charge_point=station).order_by("id")
    assert [(row.request, row.response, row.request_text) for row in stored] == [
        (text, "", "") for text in texts
    ]
    assert list(stored.values_list("request", "response")) == [(text, None) for text in texts]
    assert stored.filter(request__isnull=True).count() == 0


def test_compressed_columns_are_updated_by_their_keys() -> None:
    station = ChargePoint.objects.create(identity="packed")
    made = [
        Message.objects.create(
            charge_point=station, direction="in", request=f"{n}", request_text="before", size=1, at=BEGIN
        )
        for n in range(5)
    ]

    Table(Message).update(("request",), [[f"new {row.pk}", row.pk] for row in made[:4]])
    Table(Message).update(("request",), [[None, made[4].pk]])

    rows = [Message.objects.get(pk=row.pk) for row in made]
    assert [row.request for row in rows] == [*(f"new {row.pk}" for row in made[:4]), "before"]


def test_a_table_refuses_columns_that_its_model_does_not_have() -> None:
    with pytest.raises(TypeError, match="has other columns than"):
        Table(Message, order=("message_id", "colour"))
    with pytest.raises(TypeError, match="has no column colour"):
        Table(Message).row({"colour": "red"})
