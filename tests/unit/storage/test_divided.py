"""The migration that divides a table: its statements in their order, for an empty table and one with rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.storage import partitions

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SEQUENCE = '"readings_id_seq"'
UNIQUE = "CREATE UNIQUE INDEX once ON readings USING btree (sample_key, measured_at)"
FOREIGN = "FOREIGN KEY (station_id) REFERENCES station(id)"


class Server:
    """A PostgreSQL that answers each question from a table, and notes what it was told to do."""

    vendor = "postgresql"
    ops = SimpleNamespace(quote_name=lambda name: f'"{name}"')

    def __init__(self, kind: str = "r", last: int = 7, months: tuple[datetime, ...] = ()) -> None:
        self.answers: dict[str, list[tuple[Any, ...]]] = {
            "SELECT relkind": [(kind,)],
            "SELECT COALESCE(MAX(id), 0)": [(last,)],
            "SELECT pg_get_indexdef": [(UNIQUE,)],
            "SELECT conname": [("of_station", FOREIGN)],
            "SELECT DISTINCT date_trunc": [(month,) for month in months],
        }
        self.asked: list[tuple[str, list[Any] | None]] = []
        self.done: list[str] = []
        self.sequence: list[Any] | None = None
        self.made: list[str] = []

    @contextmanager
    def cursor(self) -> Iterator[Server]:
        yield self

    def execute(self, sql: str, values: list[Any] | None = None) -> None:
        self.asked.append((sql, values))
        if sql.startswith("SELECT setval"):
            self.sequence = values
            self.done.append(sql)
        elif not sql.startswith("SELECT"):
            self.done.append(sql)
            if sql.startswith('CREATE TABLE "readings_2'):
                self.made.append(sql.split('"')[1])

    def fetchall(self) -> list[tuple[Any, ...]]:
        sql, _ = self.asked[-1]
        if sql.startswith("SELECT child.relname"):
            return [("readings_rest",), *((name,) for name in self.made)]
        return next(rows for begin, rows in self.answers.items() if sql.startswith(begin))

    def values_of(self, begin: str) -> list[Any] | None:
        return next(values for sql, values in self.asked if sql.startswith(begin))


def divided(monkeypatch: pytest.MonkeyPatch, server: Server) -> Server:
    monkeypatch.setattr(partitions, "connection", server)
    monkeypatch.setattr(partitions, "transaction", SimpleNamespace(atomic=nullcontext))
    partitions.divide("readings", "measured_at", NOW)
    return server


def test_a_table_is_replaced_by_a_divided_one_with_its_rows_keys_and_references(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = divided(monkeypatch, Server(months=(datetime(2025, 12, 1), datetime(2026, 10, 1))))

    of_months = [sql for sql in server.done if "readings_2" in sql or '"readings_rest" IN' in sql]
    assert server.made == [
        "readings_2025_12",
        "readings_2026_10",
        "readings_2026_11",
        "readings_2026_12",
        "readings_2027_01",
    ]
    assert [sql for sql in server.done if sql not in of_months and "'2s'" not in sql] == [
        'LOCK TABLE "readings" IN ACCESS EXCLUSIVE MODE',
        'ALTER TABLE "readings" RENAME TO "readings_whole"',
        'ALTER TABLE "readings_whole" ALTER COLUMN id DROP IDENTITY IF EXISTS',
        'CREATE TABLE "readings" (LIKE "readings_whole" INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
        ' INCLUDING STORAGE) PARTITION BY RANGE ("measured_at")',
        'CREATE SEQUENCE "readings_id_seq" OWNED BY "readings".id',
        "SELECT setval(%s, %s, %s)",
        'ALTER TABLE "readings" ALTER COLUMN id SET DEFAULT nextval(\'"readings_id_seq"\')',
        'CREATE TABLE "readings_rest" PARTITION OF "readings" DEFAULT',
        "SET LOCAL lock_timeout = 0",
        'INSERT INTO "readings" SELECT * FROM "readings_whole"',
        'DROP TABLE "readings_whole"',
        'ALTER TABLE "readings" ADD PRIMARY KEY (id, "measured_at")',
        UNIQUE,
        f'ALTER TABLE "readings" ADD CONSTRAINT "of_station" {FOREIGN}',
    ]
    # Every month is there before the rows are copied, so that none of them is copied twice.
    copied = server.done.index('INSERT INTO "readings" SELECT * FROM "readings_whole"')
    assert max(server.done.index(sql) for sql in of_months) < copied


def test_the_definitions_are_those_of_the_table_before_it_was_renamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = divided(monkeypatch, Server())

    for begin in ("SELECT relkind", "SELECT pg_get_indexdef", "SELECT conname"):
        assert server.values_of(begin) == ['"readings"']
    order = [sql for sql, _ in server.asked]
    renamed = order.index('ALTER TABLE "readings" RENAME TO "readings_whole"')
    assert all(
        order.index(next(sql for sql in order if sql.startswith(begin))) < renamed
        for begin in ("SELECT pg_get_indexdef", "SELECT conname", "SELECT COALESCE")
    )


@pytest.mark.parametrize(
    ("last", "sequence"), [(7, [SEQUENCE, 7, True]), (1, [SEQUENCE, 1, True]), (0, [SEQUENCE, 1, False])]
)
def test_numbers_continue_after_the_last_row_and_begin_with_one(
    monkeypatch: pytest.MonkeyPatch, last: int, sequence: list[Any]
) -> None:
    assert divided(monkeypatch, Server(last=last)).sequence == sequence


def test_months_are_made_for_the_rows_of_the_last_ten_years_and_none_of_the_future(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = divided(monkeypatch, Server())

    assert server.values_of("SELECT DISTINCT date_trunc") == [
        datetime(2016, 11, 1, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
    ]


def test_a_table_that_is_divided_already_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert divided(monkeypatch, Server(kind="p")).done == []
