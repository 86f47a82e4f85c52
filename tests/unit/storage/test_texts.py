"""Every text column that a station can fill keeps every text, on both databases.

NUL and lone surrogates are replaced before a frame is read (unit/protocol/test_frames.py); every text of
every message is sent with them to both databases in tests/conformance/every/frames/test_every_schema.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import models

import chargepoints.tables
import tariffs.tables
import transactions.tables
from chargepoints.models import BatterySwap, ChargePoint, Command, Evse
from ocpp_server.storage.bulk import Table
from transactions.models import Transaction

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
TEXTS = {
    "quotes": '"\'`""',
    "backslashes": "\\\\n \\",
    "braces and commas": "{,},{NULL}",
    "null": "NULL",
    "nothing": "",
    "blanks": "  ",
    "control characters": "\x01\x1f\x1e\x7f",
    "lines": "a\r\nb\tc",
    "placeholders": "%s %(a)s ? $1 :b",
    "another plane": "😀\U0010ffff",
    "combined": "e\u0301\u202e\ufeff",
    "replaced": "\ufffd\ufffd",
}
TABLES = {
    f"{module.__name__.split('.')[0]}.{name}": table
    for module in (chargepoints.tables, tariffs.tables, transactions.tables)
    for name, table in vars(module).items()
    if isinstance(table, Table) and not name.startswith("TOKENS")
}

# Values of columns with a rule of the database, where any text would break it.
RULED: dict[str, dict[str, Any]] = {"DisplayMessage": {"state": "ended"}}


@pytest.fixture
def known() -> dict[type[models.Model], Any]:
    """The rows that foreign keys refer to."""
    charge_point = ChargePoint.objects.create(identity="texts")
    fields = {"started_at": NOW, "start_received_at": NOW, "last_message_at": NOW}
    transaction = Transaction.objects.create(id=1000, charge_point=charge_point, ocpp_id="0", **fields)
    command = Command.objects.create(
        id="1", charge_point=charge_point, action="A", payload={}, created_at=NOW, deadline_at=NOW
    )
    evse = Evse.objects.create(charge_point=charge_point, number=9)
    swap = BatterySwap.objects.create(charge_point=charge_point, number=1, id_token="T", created_at=NOW)
    rows: tuple[models.Model, ...] = (charge_point, transaction, command, evse, swap)
    return {type(row): row.pk for row in rows}


def value_of(
    field: models.Field[Any, Any], text: str, number: int, known: dict[type[models.Model], Any]
) -> Any:
    if isinstance(field, models.ForeignKey):
        return known.get(field.related_model)  # type: ignore[call-overload]
    match field:
        case models.JSONField():
            return {"text": text, "list": [text, None, 1.5, True]}
        case models.DateTimeField():
            return NOW
        case models.BooleanField():
            return True
        case models.FloatField():
            return 1.5
        case models.CharField() | models.TextField():
            return text[: field.max_length] if field.max_length else text
        case _:
            return number


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_texts_are_read_back_as_they_were_written(table: Table, known: dict[type[models.Model], Any]) -> None:
    """All texts in one test for each table: what the test costs are the rows that it refers to."""
    fields = {
        field.attname: field for field in table.model._meta.concrete_fields if field.attname in table.names
    }
    for number, text in enumerate(TEXTS.values(), start=2000):
        written = {name: value_of(field, text, number, known) for name, field in fields.items()}
        written |= RULED.get(table.model.__name__, {})

        table.insert([table.row(written)])

        (found,) = table.model._default_manager.order_by("-pk").filter(**unique(table, written))[:1]
        assert {name: getattr(found, name) for name in written} == written, text
        found.delete()  # some tables take one row for each session or command


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_is_read_back_as_it_was_changed(text: str, known: dict[type[models.Model], Any]) -> None:
    names = ("vendor", "model", "serial_number", "status_info", "is_online")
    changed = [text, text, text[:25], text, True]

    chargepoints.tables.CHARGE_POINTS.update(names, [[*changed, known[ChargePoint]]])

    row = ChargePoint.objects.get(pk=known[ChargePoint])
    assert [getattr(row, name) for name in names] == changed


def unique(table: Table, written: dict[str, Any]) -> dict[str, Any]:
    """A filter for the row that was written, where the model has other rows."""
    key = table.model._meta.pk.attname  # type: ignore[union-attr]
    return {key: written[key]} if key in written else {}
