"""Tables with monthly partitions on PostgreSQL: queries of long series stay fast, and old months are dropped.

The models do not depend on it. On PostgreSQL the table of a `Monthly` has a partition for each month and a
default partition, the rest: a station with a wrong clock dates readings in 1970 or 2099, and no row may be
refused for its date. Partitions are created ahead of time; rows of the month move there from the rest.
On SQLite the tables have no partitions, and old rows are deleted.

Creating and dropping partitions wait only briefly for other connections (LOCK_WAIT) and are tried again
later: queries that queue behind a lock would delay the stations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from django.apps import apps
from django.db import OperationalError, connection, models, transaction
from django.db.migrations.operations.base import Operation

from ocpp_server.storage import database

log = structlog.get_logger(__name__)

LOCK_WAIT = "2s"
# This month and the next two: a new month has its partition even when housekeeping did not run for weeks.
AHEAD = 3


@dataclass(frozen=True, slots=True)
class Monthly:
    """A model whose table is divided by the month of `column`.

    `written` is the column with the server's own time. It decides the age of rows in the rest, where the
    times of stations cannot be trusted.
    """

    label: str
    column: str
    written: str

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.label)

    @property
    def table(self) -> str:
        return self.model._meta.db_table


READINGS = Monthly("transactions.Reading", column="measured_at", written="received_at")
# Samples that an earlier release stored; `transactions.services.metering.carrying` carries them over.
METER_VALUES = Monthly("transactions.MeterValue", column="measured_at", written="received_at")
MESSAGES = Monthly("chargepoints.Message", column="at", written="at")
ALL = (READINGS, METER_VALUES, MESSAGES)


def month_of(at: datetime) -> datetime:
    """The first moment of the month in UTC, as all bounds of partitions are."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def is_divided() -> bool:
    return connection.vendor == "postgresql"


def maintain(kept: Mapping[Monthly, float], now: datetime) -> None:
    """Create the coming months, and drop months that ended longer than `kept` seconds ago (0 keeps all).

    A table that another connection has locked is left for the next run. Runs in a thread of its own, because
    the journal must not wait for locks, and on a connection of its own, which it closes.
    """
    database.leave_pool()
    try:
        _maintain(kept, now)
    except database.AWAY as error:
        if not database.is_away(error):
            raise
        log.warning("housekeeping.database_away", job="partitions", error=str(error))
    finally:
        connection.close()


def _maintain(kept: Mapping[Monthly, float], now: datetime) -> None:
    for monthly in ALL:
        if not _has_partitions(monthly.table):
            log.warning("partitions.not_divided", table=monthly.table)  # its migration has not run yet
            continue
        with _skip_if_locked(monthly):
            if made := make_ahead(monthly.table, monthly.column, now):
                log.info("partitions.made", table=monthly.table, months=made)
            if seconds := kept[monthly]:
                drop_before(monthly, datetime.fromtimestamp(now.timestamp() - seconds, UTC))


def make_ahead(table: str, column: str, now: datetime) -> list[str]:
    """Create this month and the next ones where they are missing; returns the created ones."""
    known = {month for month, _ in months(table)}
    month, made = month_of(now), []
    for _ in range(AHEAD):
        if month not in known:
            with transaction.atomic():
                _make(table, column, month)
            made.append(f"{month:%Y-%m}")
        month = next_month(month)
    return made


def drop_before(monthly: Monthly, moment: datetime) -> None:
    """Drop the months that ended before the moment, and delete rows of the rest that are as old."""
    for month, name in months(monthly.table):
        if next_month(month) <= moment:
            with transaction.atomic():
                _run(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
                _run(f"DROP TABLE {_quoted(name)}")
            log.info("partitions.dropped", table=monthly.table, month=f"{month:%Y-%m}")
    _run(
        f"DELETE FROM {_quoted(rest_of(monthly.table))} WHERE {_quoted(monthly.written)} < %s",  # noqa: S608
        [moment],
    )


def months(table: str) -> list[tuple[datetime, str]]:
    """The months that have a partition, oldest first, each with the name of its partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
            " WHERE inhparent = %s::regclass ORDER BY child.relname",
            [_quoted(table)],
        )
        names = [name for (name,) in cursor.fetchall()]
    prefix = f"{table}_"
    found = []
    for name in names:
        if name != rest_of(table):
            year, month = name.removeprefix(prefix).split("_")
            found.append((datetime(int(year), int(month), 1, tzinfo=UTC), name))
    return found


def _has_partitions(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", [_quoted(table)])
        return bool(cursor.fetchone()[0])


def rest_of(table: str) -> str:
    return f"{table}_rest"


def _make(table: str, column: str, month: datetime) -> None:
    """Create the partition of a month and move its rows there from the rest; in a transaction."""
    name, rest = f"{table}_{month:%Y_%m}", _quoted(rest_of(table))
    begin, end = month.isoformat(), next_month(month).isoformat()
    within = f"{_quoted(column)} >= '{begin}' AND {_quoted(column)} < '{end}'"
    _run(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
    # No writer may add rows of the month to the rest between the move and the ATTACH.
    _run(f"LOCK TABLE {rest} IN ACCESS EXCLUSIVE MODE")
    if any(known == month for known, _ in months(table)):
        return  # another process has created it
    _run(f"CREATE TABLE {_quoted(name)} (LIKE {_quoted(table)} INCLUDING ALL)")
    _run(
        f"WITH moved AS (DELETE FROM {rest} WHERE {within} RETURNING *) "  # noqa: S608 - no input from outside
        f"INSERT INTO {_quoted(name)} SELECT * FROM moved"
    )
    # Creating a table and then attaching it never locks the parent table against writers.
    _run(
        f"ALTER TABLE {_quoted(table)} ATTACH PARTITION {_quoted(name)}"
        f" FOR VALUES FROM ('{begin}') TO ('{end}')"
    )


@contextmanager
def _skip_if_locked(monthly: Monthly) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if not database.is_conflict(error):
            raise
        log.warning("partitions.held", table=monthly.table)


def _run(sql: str, values: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


class DivideByMonth(Operation):
    """A migration operation that divides the table of a model with its rows. On SQLite it does nothing.

    It copies about 120,000 rows a second, and other connections wait for the table meanwhile. The reverse
    migration changes nothing: earlier releases of the server work with a divided table too.
    """

    reduces_to_sql = False
    reversible = True

    def __init__(self, model_name: str, column: str) -> None:
        self.model_name = model_name
        self.column = column

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [], {"model_name": self.model_name, "column": self.column})

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: the models stay the same."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
            divide(table, self.column, datetime.now(UTC))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Change nothing: see the class."""

    def describe(self) -> str:
        return f"Divide {self.model_name} by the month of {self.column} on PostgreSQL"


def divide(table: str, column: str, now: datetime) -> None:
    """Replace a table by one of the same name, columns, keys and rows that has monthly partitions.

    PostgreSQL requires the partition column in every key: the primary key becomes (id, column), and all other
    unique keys must contain it already.
    """
    if _value("SELECT relkind FROM pg_class WHERE oid = %s::regclass", [_quoted(table)]) == "p":
        return
    whole, sequence = _quoted(f"{table}_whole"), f"{table}_id_seq"
    name = _quoted(table)
    _run(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
    last = _value(f"SELECT COALESCE(MAX(id), 0) FROM {name}")  # noqa: S608 - the name of a model's table
    # The definitions contain the name of the table, which the divided table has later.
    indexes = _column(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass AND NOT indisprimary",
        [name],
    )
    references = _rows(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'f'",
        [name],
    )
    _run(f"ALTER TABLE {name} RENAME TO {whole}")
    _run(f"ALTER TABLE {whole} ALTER COLUMN id DROP IDENTITY IF EXISTS")
    _run(
        f"CREATE TABLE {name} (LIKE {whole} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)"
        f" PARTITION BY RANGE ({_quoted(column)})"
    )
    # A sequence, because PostgreSQL has identity columns in partitioned tables only since 17.
    _run(f"CREATE SEQUENCE {_quoted(sequence)} OWNED BY {name}.id")
    _run("SELECT setval(%s, %s, %s)", [_quoted(sequence), max(last, 1), last > 0])
    _run(f"ALTER TABLE {name} ALTER COLUMN id SET DEFAULT nextval('{_quoted(sequence)}')")
    _run(f"CREATE TABLE {_quoted(rest_of(table))} PARTITION OF {name} DEFAULT")
    for month in _months_with_rows(whole, column, now):
        _make(table, column, month)
    make_ahead(table, column, now)
    _run("SET LOCAL lock_timeout = 0")
    _run(f"INSERT INTO {name} SELECT * FROM {whole}")  # noqa: S608 - names of tables
    _run(f"DROP TABLE {whole}")
    _run(f"ALTER TABLE {name} ADD PRIMARY KEY (id, {_quoted(column)})")
    for definition in indexes:
        _run(definition)
    for constraint, definition in references:
        _run(f"ALTER TABLE {name} ADD CONSTRAINT {_quoted(constraint)} {definition}")


def _months_with_rows(whole: str, column: str, now: datetime) -> list[datetime]:
    """The months with rows, ten years back at most; rows dated earlier or in the future stay in the rest."""
    first = month_of(now).replace(year=now.year - 10)
    return [
        month.replace(tzinfo=UTC)
        for month in _column(
            f"SELECT DISTINCT date_trunc('month', {_quoted(column)} AT TIME ZONE 'UTC') FROM {whole}"  # noqa: S608
            f" WHERE {_quoted(column)} >= %s AND {_quoted(column)} < %s ORDER BY 1",
            [first, month_of(now)],
        )
    ]


def _value(sql: str, values: list[Any] | None = None) -> Any:
    return _rows(sql, values)[0][0]


def _column(sql: str, values: list[Any] | None = None) -> list[Any]:
    return [row[0] for row in _rows(sql, values)]


def _rows(sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
