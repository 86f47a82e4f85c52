"""The statements and values of many rows, as the driver of either database gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from ocpp_server.storage import bulk, postgresql
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.compression import compressed, decompressed
from tests.unit.storage.statements.samples import AT, Kept, Odd, Priced, Sample, Sent
from transactions.models import Counter


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


def test_amounts_keep_their_digits(sent: Sent, postgresql: None) -> None:
    amounts = [Decimal("18.150000"), None, Decimal("-0.000001"), Decimal("1E+3")]

    Table(Priced).insert([[amount] for amount in amounts])

    assert sent == [
        (
            'INSERT INTO "priced" ("price") SELECT * FROM unnest(%s::numeric[])',
            ["{18.150000,NULL,-0.000001,1E+3}"],
        )
    ]


def test_compressed_columns_are_bytes_in_every_row(sent: Sent) -> None:
    texts = ["{}", None, "ä" * 300, ""]

    Table(Kept, order=("packed", "number"), empty=("text",)).insert([[text, 8] for text in texts])
    Table(Kept).update(("packed",), [["{}", 1]])

    assert sent[0][0].startswith(
        'INSERT INTO "kept" ("packed", "number", "text") VALUES (?, ?, \'\'), (?, ?, \'\'), '
    )
    assert sent[0][1][1::2] == [8, 8, 8, 8]
    assert [value and decompressed(value).decode() for value in sent[0][1][::2]] == texts
    assert sent[1] == ('UPDATE "kept" SET "packed" = ? WHERE "id" = ?', [compressed(b"{}"), 1])


def test_postgresql_gets_compressed_columns_in_hexadecimal(sent: Sent, postgresql: None) -> None:
    text = "ä" * 300

    Table(Kept, order=("packed", "number"), empty=("text",)).insert([[text, 8], [None, 9]])
    Table(Kept, once=True, empty=("text",)).insert([[8, text]])

    assert sent[0] == (
        'INSERT INTO "kept" ("packed", "number", "text") '
        "SELECT *, '' FROM unnest(%s::bytea[], %s::bigint[])",
        [f'{{"\\\\x{compressed(text.encode()).hex()}",NULL}}', "{8,9}"],
    )
    assert sent[1][0].endswith(" ON CONFLICT DO NOTHING")


def test_rows_have_no_place_for_the_columns_that_stay_empty() -> None:
    table = Table(Kept, empty=("text",))

    assert table.names == ["number", "packed"]
    assert table.row({"packed": "{}"}) == [7, "{}"]
    with pytest.raises(TypeError, match="has no column text"):
        table.row({"text": ""})


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
        (["a\x1fb\x1fc"], '{"a\x1fb\x1fc"}'),
        (["a\x1fb", "\\"], '{"a\x1fb","\\\\"}'),
        ([1, None], '{"1",NULL}'),
    ],
)
def test_a_text_in_an_array_keeps_every_character(values: list[Any], literal: str) -> None:
    assert bulk._texts(values) == literal


def test_a_column_without_a_known_array_is_refused(sent: Sent, postgresql: None) -> None:
    with pytest.raises(TypeError, match="interval"):
        Table(Odd).insert([[1]])


def test_a_table_serves_both_databases_at_once(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(Counter)
    table.insert([["a", 1]])
    settings = {**connection.settings_dict, "ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}

    monkeypatch.setattr(bulk, "connection", DatabaseWrapper(settings))
    table.insert([["a", 1]])

    assert ["unnest" in sql for sql, _ in sent] == [False, True]


def test_one_table_updates_different_columns_with_different_statements(sent: Sent) -> None:
    table = Table(Sample)

    table.update(("name",), [["a", 1]])
    table.update(("number",), [[7, 1]])
    table.update(("name",), [["b", 2]])

    assert [sql.split()[3] for sql, _ in sent] == ['"name"', '"number"', '"name"']


@pytest.mark.parametrize("rows", [[["a", 1], ["b"]], [["a", 1, 2]], [["a", 1], ["b", 2, 3]]])
def test_postgresql_gets_no_rows_of_another_width(sent: Sent, postgresql: None, rows: list[Any]) -> None:
    with pytest.raises(ValueError, match="argument"):
        Table(Counter).insert(rows)


class Driver:
    """A connection of a driver, and what was done with it."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.done: list[str] = []
        self.wrap_database_errors = nullcontext()
        self.connection = self
        self.pgconn = SimpleNamespace(pipeline_status=0)

    def ensure_connection(self) -> None:
        self.done.append("connect")

    def cursor(self) -> Driver:
        self.done.append("cursor")
        return self

    def close(self) -> None:
        self.done.append("close")

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        self.done.append("pipeline")
        yield
        self.done.append("end")


@pytest.mark.parametrize(("vendor", "done"), [("sqlite", []), ("postgresql", ["connect", "pipeline", "end"])])
def test_statements_are_sent_together_to_postgresql_alone(
    monkeypatch: pytest.MonkeyPatch, vendor: str, done: list[str]
) -> None:
    driver = Driver(vendor)
    monkeypatch.setattr(postgresql, "connection", driver)

    with postgresql.pipelined():
        pass

    assert driver.done == done


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_the_cursor_of_the_driver_is_closed_after_an_error_too(
    monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    driver = Driver(vendor)
    monkeypatch.setattr(bulk, "connection", driver)
    monkeypatch.setattr(bulk.psycopg, "Cursor", lambda raw: raw.done.append("of psycopg") or raw)

    with pytest.raises(LookupError), bulk._cursor() as cursor:
        assert cursor is driver
        raise LookupError

    assert driver.done == ["connect", "cursor" if vendor == "sqlite" else "of psycopg", "close"]
