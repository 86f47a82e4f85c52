"""Partitions by month: which are made and dropped, where rows go, and what a lock or an outage delays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from ocpp_server.storage import database, partitions
from ocpp_server.storage.partitions import MESSAGES, METER_VALUES, DivideByMonth, month_of, next_month
from tests.logged import captured_logs
from tests.unit.storage.catalog import Catalog

READINGS, SAMPLES, MESSAGE = partitions.READINGS.table, METER_VALUES.table, MESSAGES.table
REST = f"{READINGS}_rest"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY_S = 86_400.0
FOR_EVER = {partitions.READINGS: 0.0, METER_VALUES: 0.0, MESSAGES: 0.0}


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The tables, divided, with the months that were made in November."""
    made = Catalog()
    for table in (READINGS, SAMPLES, MESSAGE):
        made.divided(table, "2026_10", "2026_11", "2026_12")
    monkeypatch.setattr(partitions, "connection", made)
    monkeypatch.setattr(partitions, "transaction", SimpleNamespace(atomic=made.atomic))
    monkeypatch.setattr(database, "leave_pool", lambda: made.statements.append("outside the pool"))
    return made


def reading(measured: datetime, received: datetime = NOW) -> dict[str, Any]:
    return {"measured_at": measured, "received_at": received}


# -- months --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "month"),
    [
        (datetime(2026, 5, 17, 13, 14, 15, 16, UTC), datetime(2026, 5, 1, tzinfo=UTC)),
        (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)),
        (datetime(2026, 6, 1, 1, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 5, 1, tzinfo=UTC)),
    ],
)
def test_a_month_begins_at_midnight_in_utc(at: datetime, month: datetime) -> None:
    assert month_of(at) == month


@pytest.mark.parametrize(
    ("month", "following"), [((2026, 1), (2026, 2)), ((2026, 11), (2026, 12)), ((2026, 12), (2027, 1))]
)
def test_the_month_after_december_is_in_the_next_year(
    month: tuple[int, int], following: tuple[int, int]
) -> None:
    assert next_month(datetime(*month, 1, tzinfo=UTC)) == datetime(*following, 1, tzinfo=UTC)


def test_only_postgresql_divides_its_tables(catalog: Catalog) -> None:
    assert partitions.is_divided()
    catalog.vendor = "sqlite"
    assert not partitions.is_divided()


def test_readings_are_divided_by_their_own_time_and_age_by_the_servers() -> None:
    for monthly in (partitions.READINGS, METER_VALUES):
        assert (monthly.column, monthly.written) == ("measured_at", "received_at")
    assert (MESSAGES.column, MESSAGES.written) == ("at", "at")
    for monthly in partitions.ALL:
        columns = {field.column for field in monthly.model._meta.concrete_fields}
        assert {monthly.column, monthly.written} <= columns
        assert monthly.table == monthly.model._meta.db_table


def test_the_months_of_a_table_are_those_of_its_partitions_without_the_rest(catalog: Catalog) -> None:
    assert partitions.months(READINGS) == [
        (datetime(2026, month, 1, tzinfo=UTC), f"{READINGS}_2026_{month}") for month in (10, 11, 12)
    ]


# -- making --------------------------------------------------------------------------------------------------


def test_this_month_and_the_next_two_are_made_where_they_are_missing(catalog: Catalog) -> None:
    assert partitions.make_ahead(READINGS, "measured_at", NOW) == ["2027-01"]
    assert catalog.months(READINGS) == ["2026_10", "2026_11", "2026_12", "2027_01"]
    assert catalog.partitions[READINGS][f"{READINGS}_2027_01"] == (
        "2027-01-01T00:00:00+00:00",
        "2027-02-01T00:00:00+00:00",
    )

    assert partitions.make_ahead(READINGS, "measured_at", NOW) == []
    assert partitions.make_ahead(READINGS, "measured_at", NOW + timedelta(days=150)) == [
        "2027-04",
        "2027-05",
        "2027-06",
    ]


def test_rows_of_a_new_month_move_there_from_the_rest(catalog: Catalog) -> None:
    january, february = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
    inside = [reading(january), reading(february - timedelta(microseconds=1))]
    outside = [reading(january - timedelta(microseconds=1)), reading(february)]
    catalog.rows[REST] = [*inside, *outside]

    partitions.make_ahead(READINGS, "measured_at", NOW)

    assert catalog.rows[f"{READINGS}_2027_01"] == inside
    assert catalog.rows[REST] == outside


def test_a_month_that_another_process_has_made_meanwhile_is_left_to_it(catalog: Catalog) -> None:
    theirs = f"{READINGS}_2027_01"

    def make() -> None:
        catalog.rows[theirs] = [reading(NOW)]
        catalog.partitions[READINGS][theirs] = ("theirs", "theirs")

    catalog.before_lock = make

    partitions.make_ahead(READINGS, "measured_at", NOW)

    assert catalog.partitions[READINGS][theirs] == ("theirs", "theirs")
    assert catalog.rows[theirs] == [reading(NOW)]


def test_a_new_month_waits_two_seconds_for_its_lock(catalog: Catalog) -> None:
    waits: list[str] = []
    catalog.before_lock = lambda: waits.append(catalog.lock_timeout)

    partitions.make_ahead(READINGS, "measured_at", NOW)

    assert waits == ["2s"]


# -- dropping ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "left"),
    [
        (datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), ["2026_10", "2026_11", "2026_12"]),
        (datetime(2026, 11, 1, tzinfo=UTC), ["2026_11", "2026_12"]),
        (datetime(2026, 12, 31, tzinfo=UTC), ["2026_12"]),
        (datetime(2027, 1, 1, tzinfo=UTC), []),
    ],
)
def test_a_month_is_dropped_when_its_last_moment_is_too_old(
    catalog: Catalog, moment: datetime, left: list[str]
) -> None:
    with captured_logs() as lines:
        partitions.drop_before(partitions.READINGS, moment)

    assert catalog.months(READINGS) == left
    assert [line["event"] for line in lines] == ["partitions.dropped"] * (3 - len(left))


def test_the_rest_loses_the_rows_that_the_server_got_too_long_ago(catalog: Catalog) -> None:
    wrong_clock = datetime(1970, 1, 1, tzinfo=UTC)
    young = reading(wrong_clock, NOW)
    catalog.rows[REST] = [young, reading(NOW, NOW - timedelta(microseconds=1))]

    partitions.drop_before(partitions.READINGS, NOW)

    assert catalog.rows[REST] == [young]


# -- maintaining ---------------------------------------------------------------------------------------------


def test_the_maintenance_makes_and_drops_the_months_of_each_table_by_its_own_retention(
    catalog: Catalog,
) -> None:
    with captured_logs() as lines:
        partitions.maintain(FOR_EVER | {partitions.READINGS: 20 * DAY_S}, NOW)

    assert catalog.months(READINGS) == ["2026_11", "2026_12", "2027_01"]
    assert catalog.months(MESSAGE) == ["2026_10", "2026_11", "2026_12", "2027_01"]
    assert (catalog.statements[0], catalog.closed) == ("outside the pool", 1)
    assert [(line["event"], line["table"]) for line in lines] == [
        ("partitions.made", READINGS),
        ("partitions.dropped", READINGS),
        ("partitions.made", SAMPLES),
        ("partitions.made", MESSAGE),
    ]


def test_a_maintenance_with_nothing_to_make_logs_nothing(catalog: Catalog) -> None:
    partitions.maintain(FOR_EVER, NOW)

    with captured_logs() as lines:
        partitions.maintain(FOR_EVER, NOW)

    assert lines == []


def test_a_table_that_is_not_divided_yet_is_left_and_the_other_is_maintained(catalog: Catalog) -> None:
    del catalog.partitions[READINGS]

    with captured_logs() as lines:
        partitions.maintain(FOR_EVER, NOW)

    assert "2027_01" in catalog.months(MESSAGE)
    assert f"{READINGS}_2027_01" not in catalog.rows
    assert (lines[0]["event"], lines[0]["table"]) == ("partitions.not_divided", READINGS)


def test_a_table_that_is_locked_is_left_for_the_next_run(catalog: Catalog) -> None:
    catalog.locked.add(REST)

    with captured_logs() as lines:
        partitions.maintain(FOR_EVER, NOW)

    assert "2027_01" not in catalog.months(READINGS)
    assert "2027_01" in catalog.months(MESSAGE)
    assert (lines[0]["event"], lines[0]["table"]) == ("partitions.held", READINGS)

    catalog.locked.clear()
    partitions.maintain(FOR_EVER, NOW)
    assert "2027_01" in catalog.months(READINGS)


def test_a_database_that_is_away_ends_the_maintenance_without_an_error(catalog: Catalog) -> None:
    catalog.error = OperationalError("no route")

    with captured_logs() as lines:
        partitions.maintain(FOR_EVER, NOW)

    assert [(line["event"], line["job"]) for line in lines] == [("housekeeping.database_away", "partitions")]
    assert catalog.closed == 1


def _too_long() -> OperationalError:
    error = OperationalError("row is too big")
    error.__cause__ = Exception()
    error.__cause__.sqlstate = "54000"  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("error", [_too_long(), IntegrityError("no partition")])
def test_a_fault_of_the_maintenance_is_raised_and_the_connection_closed(
    catalog: Catalog, error: Exception
) -> None:
    catalog.error = error

    with pytest.raises(type(error)):
        partitions.maintain(FOR_EVER, NOW)

    assert catalog.closed == 1


def test_an_outage_in_a_table_is_no_lock_and_ends_the_maintenance(catalog: Catalog) -> None:
    def break_off() -> None:
        catalog.error = OperationalError("no route")
        raise catalog.error

    catalog.before_lock = break_off

    with captured_logs() as lines:
        partitions.maintain(FOR_EVER, NOW)

    assert [line["event"] for line in lines] == ["housekeeping.database_away"]


# -- the migration -------------------------------------------------------------------------------------------


def _migrated(vendor: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    divided: list[tuple[str, str]] = []

    def divide(table: str, column: str, now: datetime) -> None:
        assert now.tzinfo is UTC
        divided.append((table, column))

    monkeypatch.setattr(partitions, "divide", divide)
    model = SimpleNamespace(_meta=SimpleNamespace(db_table="transactions_metervalue"))
    found = {("transactions", "MeterValue"): model}
    state = SimpleNamespace(apps=SimpleNamespace(get_model=lambda app, name: found[app, name]))
    editor = SimpleNamespace(connection=SimpleNamespace(vendor=vendor))
    operation = DivideByMonth("MeterValue", "measured_at")
    operation.state_forwards("transactions", None)
    operation.database_forwards("transactions", editor, None, state)
    operation.database_backwards("transactions", editor, state, None)
    return divided


def test_the_migration_divides_a_table_on_postgresql_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _migrated("postgresql", monkeypatch) == [("transactions_metervalue", "measured_at")]
    assert _migrated("sqlite", monkeypatch) == []


def test_the_migration_is_written_and_named_with_its_model_and_column() -> None:
    operation = DivideByMonth("MeterValue", "measured_at")

    name, positional, named = operation.deconstruct()
    assert (name, positional) == ("DivideByMonth", [])
    again = DivideByMonth(*positional, **named)
    assert again.describe() == "Divide MeterValue by the month of measured_at on PostgreSQL"
    assert (operation.reversible, operation.reduces_to_sql) == (True, False)
