"""The statements and values of many rows, as the driver of either database gets them; without a database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, models
from django.db.backends.postgresql.base import DatabaseWrapper

from ocpp_server.storage import bulk, row_numbers
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.unit import Rows, Unit
from transactions.models import Counter, TransactionEvent

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Sample(models.Model):
    """A column of every kind that tables of messages have. It has no table."""

    name = models.CharField(max_length=20, default="none")
    text = models.TextField(null=True)
    content = models.JSONField(default=dict)
    at = models.DateTimeField(null=True)
    number = models.BigIntegerField(default=7)
    small = models.SmallIntegerField(default=0)
    plain = models.IntegerField(default=0)
    share = models.FloatField(null=True)
    is_new = models.BooleanField(default=False, db_column="new")

    class Meta:
        app_label = "transactions_samples"
        db_table = "sample"

    def __str__(self) -> str:
        return self.name


class Odd(models.Model):
    """A column of a kind that no array is known for."""

    price = models.DecimalField(max_digits=5, decimal_places=2)

    class Meta:
        app_label = "transactions_samples"

    def __str__(self) -> str:
        return str(self.price)


Sent = list[tuple[str, list[Any]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The statements and parameters that were sent to the driver."""
    found: Sent = []

    def execute(sql: str, parameters: list[Any], prepare: bool | None = None) -> None:
        assert prepare is (True if bulk.connection.vendor == "postgresql" else None)
        found.append((sql, parameters))

    @contextmanager
    def cursor() -> Iterator[Any]:
        yield SimpleNamespace(execute=execute)

    monkeypatch.setattr(bulk, "_cursor", cursor)
    return found


@pytest.fixture
def postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to PostgreSQL that was never made."""
    settings = {**connection.settings_dict, "ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}
    monkeypatch.setattr(bulk, "connection", DatabaseWrapper(settings))
    monkeypatch.setattr(bulk, "pipelined", contextmanager(lambda: iter([None])))


# -- SQLite -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        (1, [1]),
        (3, [1, 1, 1]),
        (4, [4]),
        (15, [4, 4, 4, 1, 1, 1]),
        (16, [16]),
        (63, [16, 16, 16, 4, 4, 4, 1, 1, 1]),
        (64, [64]),
        (149, [64, 64, 16, 4, 1]),
    ],
)
def test_many_rows_are_sent_in_statements_of_few_sizes(sent: Sent, rows: int, sizes: list[int]) -> None:
    Table(Counter).insert([[f"c{n}", n] for n in range(rows)])
    Table(Counter).update(("value",), [[n, f"c{n}"] for n in range(rows)])

    assert [sql.count("?") // 2 for sql, _ in sent] == sizes * 2
    inserted, updated = sent[: len(sizes)], sent[len(sizes) :]
    assert [value for _, values in inserted for value in values] == [
        value for n in range(rows) for value in (f"c{n}", n)
    ]
    assert [value for _, values in updated for value in values] == [
        value for n in range(rows) for value in (n, f"c{n}")
    ]


def test_a_repeated_row_is_skipped_only_in_tables_that_say_so(sent: Sent) -> None:
    Table(Counter).insert([["a", 1]])
    Table(Counter, once=True).insert([["a", 1]])

    first, second = (sql for sql, _ in sent)
    assert first == 'INSERT INTO "transactions_counter" ("name", "value") VALUES (?, ?)'
    assert second == f"{first} ON CONFLICT DO NOTHING"


def test_rows_are_updated_by_their_key_one_by_one_and_together(sent: Sent) -> None:
    table = Table(Sample)

    table.update(("name", "is_new"), [["a", True, 1]])
    table.update(("name", "is_new"), [["a", True, n] for n in range(4)])

    assert sent[0] == ('UPDATE "sample" SET "name" = ?, "new" = ? WHERE "id" = ?', ["a", True, 1])
    assert sent[1][0] == (
        'UPDATE "sample" SET "name" = new.column1, "new" = new.column2 '
        'FROM (VALUES (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?)) AS new WHERE "sample"."id" = new.column3'
    )


def test_times_and_documents_become_texts_in_every_row_and_no_other_value_does(sent: Sent) -> None:
    table = Table(Sample)
    rows = [
        table.row({"at": AT + timedelta(seconds=n), "content": {"n": n}, "text": None, "share": 1.5})
        for n in range(4)
    ]

    table.insert(rows)
    table.update(("at", "number", "content"), [[AT, n, [n], n] for n in range(4)])

    assert sent[0][1] == [
        value
        for n in range(4)
        for value in ("none", None, f'{{"n":{n}}}', f"2026-05-04 12:00:0{n}", 7, 0, 0, 1.5, False)
    ]
    assert sent[1][1] == [value for n in range(4) for value in ("2026-05-04 12:00:00", n, f"[{n}]", n)]
    # The rows may be written a second time.
    assert rows[1][3] == AT + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AT, "2026-05-04 12:00:00"),
        (AT.replace(microsecond=5), "2026-05-04 12:00:00.000005"),
        (AT.replace(microsecond=120000), "2026-05-04 12:00:00.120000"),
        (AT.astimezone(timezone(timedelta(hours=2))), "2026-05-04 12:00:00"),
        (AT.astimezone(timezone(timedelta(hours=-3))).replace(microsecond=7), "2026-05-04 12:00:00.000007"),
        (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01 00:00:00"),
        (datetime(1969, 12, 31, 23, 59, 59, 250000, UTC), "1969-12-31 23:59:59.250000"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01 00:00:00"),
        (None, None),
        ("2026", "2026"),
    ],
)
def test_a_time_is_the_naive_text_that_the_orm_reads(value: Any, text: Any) -> None:
    assert bulk._moment_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ([], "[]"),
        ({}, "{}"),
        ({"a": [1, None, "ä"]}, '{"a":[1,null,"ä"]}'),
        ("", '""'),
        (0, "0"),
        (False, "false"),
    ],
)
def test_a_document_is_compact_json(value: Any, text: str | None) -> None:
    assert bulk._json_text(value) == text


def test_a_document_may_have_a_number_of_any_size() -> None:
    assert json.loads(bulk._json_text({"n": 2**70})) == {"n": 2**70}


# -- PostgreSQL -------------------------------------------------------------------------------------------


def test_postgresql_gets_the_columns_of_all_rows_as_arrays(sent: Sent, postgresql: None) -> None:
    table = Table(Sample)
    more = {"at": AT, "content": {"n": 1}, "text": "a", "share": 1.5, "is_new": True}

    table.insert([table.row({}), table.row(more)])

    assert sent == [
        (
            'INSERT INTO "sample" '
            '("name", "text", "content", "at", "number", "small", "plain", "share", "new")'
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::jsonb[], %s::timestamp with time zone[],"
            " %s::bigint[], %s::smallint[], %s::integer[], %s::double precision[], %s::boolean[])",
            [
                '{"none","none"}',
                '{NULL,"a"}',
                '{"{}","{\\"n\\":1}"}',
                "{NULL,2026-05-04T12:00:00+00:00}",
                "{7,7}",
                "{0,0}",
                "{0,0}",
                "{NULL,1.5}",
                "{False,True}",
            ],
        )
    ]


def test_postgresql_skips_a_repeated_row_only_in_tables_that_say_so(sent: Sent, postgresql: None) -> None:
    Table(Counter).insert([["a", 1]])
    Table(Counter, once=True).insert([["a", 1]])

    assert [sql.endswith(" ON CONFLICT DO NOTHING") for sql, _ in sent] == [False, True]


def test_postgresql_updates_rows_by_their_key(sent: Sent, postgresql: None) -> None:
    Table(Sample).update(("name", "is_new"), [["a", True, 1], ["b", False, 2]])

    assert sent == [
        (
            'UPDATE "sample" SET "name" = new."name", "new" = new."new" FROM '
            'unnest(%s::text[], %s::boolean[], %s::bigint[]) AS new("name", "new", key) '
            'WHERE "sample"."id" = new.key',
            ['{"a","b"}', "{True,False}", "{1,2}"],
        )
    ]


@pytest.mark.parametrize(
    ("values", "literal"),
    [
        (["a"], '{"a"}'),
        (["a", "b,c"], '{"a","b,c"}'),
        (['"', "\\"], '{"\\"","\\\\"}'),
        (["a", None], '{"a",NULL}'),
        (["NULL", ""], '{"NULL",""}'),
        (["a\x1fb"], '{"a\x1fb"}'),
        (["a\x1fb", "\\"], '{"a\x1fb","\\\\"}'),
        ([1, None], '{"1",NULL}'),
    ],
)
def test_a_text_in_an_array_keeps_every_character(values: list[Any], literal: str) -> None:
    assert bulk._texts(values) == literal


def test_a_column_without_a_known_array_is_refused(sent: Sent, postgresql: None) -> None:
    with pytest.raises(TypeError, match="numeric"):
        Table(Odd).insert([[1]])


def test_a_table_serves_both_databases_at_once(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(Counter)
    table.insert([["a", 1]])
    settings = {**connection.settings_dict, "ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}

    monkeypatch.setattr(bulk, "connection", DatabaseWrapper(settings))
    table.insert([["a", 1]])

    assert ["unnest" in sql for sql, _ in sent] == [False, True]


# -- rows of tables ---------------------------------------------------------------------------------------


def test_a_row_has_the_default_of_every_column_that_is_not_named() -> None:
    table = Table(Sample)

    assert table.row({"number": 8}) == ["none", None, {}, None, 8, 0, 0, None, False]
    assert table.row({}) == ["none", None, {}, None, 7, 0, 0, None, False]


def test_a_row_has_the_order_of_its_table() -> None:
    names = ("value", "name")

    assert Table(Counter, order=names).names == ["value", "name"]
    assert Table(Counter).names == ["name", "value"]
    assert "id" not in Table(TransactionEvent).names


@pytest.mark.parametrize("order", [("value",), ("name", "value", "colour"), ("value", "colour")])
def test_an_order_names_every_column_and_no_other(order: tuple[str, ...]) -> None:
    with pytest.raises(TypeError):
        Table(Counter, order=order)


def test_all_unknown_columns_are_named() -> None:
    with pytest.raises(TypeError, match=r"column colour, size$"):
        Table(Counter).row({"size": 1, "name": "a", "colour": "red"})


# -- units and their rows ---------------------------------------------------------------------------------


def test_rows_of_several_units_are_inserted_before_they_are_updated(sent: Sent) -> None:
    table, rows = Table(Counter), Rows()
    first, second = Unit(), Unit()
    first.update(table, "a", value=3)
    first.insert(table, name="a", value=1)
    second.append(table, ["b", 2])
    second.set(table, "b", {"value": 4})

    rows.add(first)
    rows.add(second)
    rows.write()
    rows.write()

    # Two rows of one form need one statement each on SQLite, the second write none.
    assert [sql.split()[0] for sql, _ in sent] == ["INSERT", "INSERT", "UPDATE", "UPDATE"]
    assert [values for _, values in sent] == [["a", 1], ["b", 2], [3, "a"], [4, "b"]]


def test_updates_of_one_row_are_merged_without_changing_their_units(sent: Sent) -> None:
    table, rows = Table(Sample), Rows()
    first, second = Unit(), Unit()
    first.update(table, 1, name="a", number=1)
    second.update(table, 1, number=2)
    second.update(table, 2, number=3)

    rows.add(first)
    rows.add(second)
    rows.write()

    assert [values for _, values in sent] == [["a", 2, 1], [3, 2]]
    assert first.updates == [(table, 1, {"name": "a", "number": 1})]
    assert second.updates == [(table, 1, {"number": 2}), (table, 2, {"number": 3})]


def test_updates_without_inserts_are_written(sent: Sent) -> None:
    table, rows, unit = Table(Counter), Rows(), Unit()
    unit.update(table, "a", value=3)

    rows.add(unit)
    rows.write()

    assert len(sent) == 1


def test_a_unit_that_was_taken_is_empty_and_the_taken_one_keeps_its_rows() -> None:
    table, unit, told = Table(Counter), Unit(), print
    unit.insert(table, name="a", value=1)
    unit.update(table, "a", value=2)
    unit.when_stored = told

    taken = unit.take()

    assert (unit.inserts, unit.updates, unit.when_stored) == ([], [], None)
    assert (taken.inserts, taken.updates) == ([(table, ["a", 1])], [(table, "a", {"value": 2})])
    assert taken.when_stored is told
    assert (bool(unit), bool(taken)) == (False, True)


def test_a_cleared_unit_has_nothing_to_store() -> None:
    table, unit = Table(Counter), Unit()
    unit.insert(table, name="a", value=1)
    unit.update(table, "a", value=2)
    unit.when_stored = print

    unit.clear()

    assert (unit.inserts, unit.updates, unit.when_stored) == ([], [], None)


def test_a_unit_with_updates_alone_has_something_to_store() -> None:
    unit = Unit()
    unit.update(Table(Counter), "a", value=2)

    assert unit


# -- keys in addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("007", 7),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        ("0" * 18 + "7", 7),
        ("0" * 19 + "7", None),
        ("0", None),
        ("-1", None),
        ("", None),
        ("1.0", None),
        (" 1", None),
        ("٣", None),
        ("²", None),
    ],
)
def test_a_key_is_a_number_of_ascii_digits_from_1_to_63_bits(text: str, number: int | None) -> None:
    assert row_numbers.row_number(text) == number
