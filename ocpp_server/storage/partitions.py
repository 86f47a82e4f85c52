"""Tables divided by month on PostgreSQL: long series stay quick, and what is too old is dropped, not deleted.

The models know nothing of it. On PostgreSQL the table of a `Monthly` has a partition for each month and one
for the rest: stations whose clocks are wrong date readings in 1970 or 2099, and no row is ever refused for
its date. Months are made ahead of time; rows that went to the rest move when their month is made.
On SQLite the tables are plain, and old rows are deleted.

Dividing and dropping wait for other connections only briefly (LOCK_WAIT) and are tried again later: a queue
behind a lock would hold up the stations.
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
# This month and the next two: the month exists even when housekeeping did not run for weeks.
AHEAD = 3


@dataclass(frozen=True, slots=True)
class Monthly:
    """A model whose table is divided by the month of `column`.

    `written`: the column with the server's own time, by which a row of the rest grows old; what a station
    says of the time is not to be trusted there.
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


METER_VALUES = Monthly("transactions.MeterValue", column="measured_at", written="received_at")
MESSAGES = Monthly("chargepoints.Message", column="at", written="at")
ALL = (METER_VALUES, MESSAGES)


def month_of(at: datetime) -> datetime:
    """The first moment of the month, in UTC as all bounds are."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def is_divided() -> bool:
    return connection.vendor == "postgresql"


def maintain(kept: Mapping[Monthly, float], now: datetime) -> None:
    """Make the coming months, and drop those that ended longer ago than `kept` says (seconds; 0 keeps
    everything).

    A table that others hold is left for the next time. In a thread beside the journal, which must not wait
    for locks; on a connection of its own, which it closes.
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
            log.warning("partitions.not_divided", table=monthly.table)  # its migration has still to run
            continue
        with _unless_held(monthly):
            if made := make_ahead(monthly.table, monthly.column, now):
                log.info("partitions.made", table=monthly.table, months=made)
            if seconds := kept[monthly]:
                drop_before(monthly, datetime.fromtimestamp(now.timestamp() - seconds, UTC))


def make_ahead(table: str, column: str, now: datetime) -> list[str]:
    """This month and the next ones, where they are not there yet; those that were made."""
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
    """Drop the months that ended before the moment, and delete what is as old among the rest."""
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
    """The months a table has, oldest first, each with the name of its partition."""
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
    """Make the partition of a month and move there what waits for it among the rest; in a transaction."""
    name, rest = f"{table}_{month:%Y_%m}", _quoted(rest_of(table))
    begin, end = month.isoformat(), next_month(month).isoformat()
    within = f"{_quoted(column)} >= '{begin}' AND {_quoted(column)} < '{end}'"
    _run(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
    # No writer may add rows of the month to the rest between the move and the moment the partition takes
    # rows.
    _run(f"LOCK TABLE {rest} IN ACCESS EXCLUSIVE MODE")
    if any(known == month for known, _ in months(table)):
        return  # another process was first
    _run(f"CREATE TABLE {_quoted(name)} (LIKE {_quoted(table)} INCLUDING ALL)")
    _run(
        f"WITH moved AS (DELETE FROM {rest} WHERE {within} RETURNING *) "  # noqa: S608 - names and dates of ours
        f"INSERT INTO {_quoted(name)} SELECT * FROM moved"
    )
    # A table that is made first and attached then locks the whole one against writers for no moment.
    _run(
        f"ALTER TABLE {_quoted(table)} ATTACH PARTITION {_quoted(name)}"
        f" FOR VALUES FROM ('{begin}') TO ('{end}')"
    )


@contextmanager
def _unless_held(monthly: Monthly) -> Iterator[None]:
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
    """A migration's step: divide the table of a model, rows and all. On SQLite it does nothing.

    The rows are copied, about 120,000 a second; until then others wait for the table. The way back
    changes nothing: servers of before work with a divided table as well.
    """

    reduces_to_sql = False
    reversible = True

    def __init__(self, model_name: str, column: str) -> None:
        self.model_name = model_name
        self.column = column

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [], {"model_name": self.model_name, "column": self.column})

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models stay as they are."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
            divide(table, self.column, datetime.now(UTC))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """See above."""

    def describe(self) -> str:
        return f"Divide {self.model_name} by the month of {self.column} on PostgreSQL"


def divide(table: str, column: str, now: datetime) -> None:
    """Make a table of the same name, columns, keys and rows that has a partition for each month.

    A key must contain the column that divides: the primary key becomes (id, column), the rest must already.
    """
    if _value("SELECT relkind FROM pg_class WHERE oid = %s::regclass", [_quoted(table)]) == "p":
        return
    whole, sequence = _quoted(f"{table}_whole"), f"{table}_id_seq"
    name = _quoted(table)
    _run(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
    last = _value(f"SELECT COALESCE(MAX(id), 0) FROM {name}")  # noqa: S608 - the name of a model's table
    # As text, with the table's own name in it, which belongs to the divided one later.
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
    # A sequence of its own: PostgreSQL has identity columns in divided tables only since 17.
    _run(f"CREATE SEQUENCE {_quoted(sequence)} OWNED BY {name}.id")
    _run("SELECT setval(%s, %s, %s)", [_quoted(sequence), max(last, 1), last > 0])
    _run(f"ALTER TABLE {name} ALTER COLUMN id SET DEFAULT nextval('{_quoted(sequence)}')")
    _run(f"CREATE TABLE {_quoted(rest_of(table))} PARTITION OF {name} DEFAULT")
    for month in _months_with_rows(whole, column, now):
        _make(table, column, month)
    make_ahead(table, column, now)
    _run("SET LOCAL lock_timeout = 0")
    _run(f"INSERT INTO {name} SELECT * FROM {whole}")  # noqa: S608 - names of ours
    _run(f"DROP TABLE {whole}")
    _run(f"ALTER TABLE {name} ADD PRIMARY KEY (id, {_quoted(column)})")
    for definition in indexes:
        _run(definition)
    for constraint, definition in references:
        _run(f"ALTER TABLE {name} ADD CONSTRAINT {_quoted(constraint)} {definition}")


def _months_with_rows(whole: str, column: str, now: datetime) -> list[datetime]:
    """Months that get a partition of their own: ten years back at most. Rows dated earlier, or in the future,
    belong to the rest.
    """
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
