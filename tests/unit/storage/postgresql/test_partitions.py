"""Readings and messages by month: no row is refused or lost, old months are dropped (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.state import ProjectState

from chargepoints.models import ChargePoint, Message
from ocpp_server.storage import partitions
from tests.direct.readings import a_reading, stored
from transactions.models import MeterValue, Reading, Transaction
from transactions.tables import READINGS

NOW = datetime.now(UTC)
THIS = partitions.month_of(NOW)
NEXT = partitions.next_month(THIS)
FOR_EVER = dict.fromkeys(partitions.ALL, 0.0)
TABLE = partitions.READINGS.table

pytestmark = pytest.mark.django_db


@pytest.fixture
def charge_point() -> ChargePoint:
    return ChargePoint.objects.create(identity="months")


@pytest.fixture
def other_session() -> Iterator[psycopg.Connection[Any]]:
    """Another connection to the same database."""
    parameters = dict(connection.get_connection_params())
    with psycopg.connect(**parameters) as session:
        yield session


def reading(charge_point: ChargePoint, at: datetime, **fields: Any) -> Reading:
    fields = {"received_at": NOW, "measurand": "Power.Active.Import", "raw": "1"} | fields
    return stored(charge_point=charge_point, measured_at=at, **fields)


def place_of(row: models.Model) -> str:
    """The partition that holds a row."""
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(row._meta.db_table)
        cursor.execute(f"SELECT tableoid::regclass::text FROM {table} WHERE id = %s", [row.pk])  # noqa: S608
        return str(cursor.fetchone()[0])


def maintain(kept: dict[partitions.Monthly, float], now: datetime) -> None:
    """Maintain the partitions as the housekeeping does, within the transaction of the test."""
    connection.check_constraints()  # deferred checks would block a change of their tables
    partitions._maintain(kept, now)


def maintain_beside(now: datetime) -> None:
    """Maintain the partitions in another thread, on a connection of its own."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(partitions.maintain, FOR_EVER, now).result()


def test_a_new_database_has_this_month_and_the_next_two() -> None:
    expected = [THIS, NEXT, partitions.next_month(NEXT)]

    for monthly in partitions.ALL:
        assert [month for month, _ in partitions.months(monthly.table)] == expected


@pytest.mark.parametrize("year", [1970, 2001, 2099, 9999])
def test_a_reading_of_a_month_without_a_partition_is_kept_and_found(
    charge_point: ChargePoint, year: int
) -> None:
    odd = reading(charge_point, datetime(year, 5, 1, tzinfo=UTC))

    assert place_of(odd) == f"{TABLE}_rest"
    assert Reading.objects.get(pk=odd.pk).measured_at.year == year
    assert charge_point.readings.filter(measured_at__year=year).count() == 1


def test_readings_move_out_of_the_default_partition_when_their_month_is_made(
    charge_point: ChargePoint,
) -> None:
    later = partitions.next_month(partitions.next_month(NEXT))
    first = reading(charge_point, later)
    last = reading(charge_point, partitions.next_month(later) - timedelta(microseconds=1))
    beyond = reading(charge_point, partitions.next_month(later))

    maintain(FOR_EVER, NEXT)

    expected = f"{TABLE}_{later:%Y_%m}"
    assert [place_of(row) for row in (first, last, beyond)] == [expected, expected, f"{TABLE}_rest"]
    assert Reading.objects.count() == 3


def test_a_repeated_reading_is_stored_once_in_a_month_and_in_the_default_partition(
    charge_point: ChargePoint,
) -> None:
    times = (NOW, datetime(1970, 1, 1, tzinfo=UTC))
    readings = [a_reading(charge_point=charge_point, received_at=NOW, measured_at=at) for at in times]
    rows = [[getattr(one, name) for name in READINGS.names] for one in readings]

    READINGS.insert(rows)
    READINGS.insert(rows)

    assert Reading.objects.count() == 2


def test_whole_months_are_dropped_when_their_last_day_is_too_old(charge_point: ChargePoint) -> None:
    old = reading(charge_point, NEXT - timedelta(seconds=1))
    young = reading(charge_point, NEXT)
    kept = FOR_EVER | {partitions.READINGS: timedelta(days=10).total_seconds()}

    maintain(kept, NEXT + timedelta(days=9))
    assert Reading.objects.count() == 2

    maintain(kept, NEXT + timedelta(days=11))
    assert list(Reading.objects.all()) == [young]
    assert old.measured_at < NEXT
    assert THIS not in [month for month, _ in partitions.months(TABLE)]


def test_rows_of_the_default_partition_are_deleted_by_the_time_of_receipt(charge_point: ChargePoint) -> None:
    wrong_clock = datetime(1970, 1, 1, tzinfo=UTC)
    came_just_now = reading(charge_point, wrong_clock, received_at=NOW)
    reading(charge_point, wrong_clock, raw="2", received_at=NOW - timedelta(days=40))
    kept = FOR_EVER | {partitions.READINGS: timedelta(days=30).total_seconds()}

    maintain(kept, NOW)

    assert list(Reading.objects.all()) == [came_just_now]


def test_messages_are_deleted_by_their_own_retention(charge_point: ChargePoint) -> None:
    Message.objects.create(
        charge_point=charge_point, direction="in", message_id="1", action="X", request="{}", size=2, at=NOW
    )
    reading(charge_point, NOW)

    maintain(FOR_EVER | {partitions.MESSAGES: 86400.0}, NEXT + timedelta(days=2))

    assert (Message.objects.count(), Reading.objects.count()) == (0, 1)


@pytest.mark.parametrize(
    ("model", "column"), [(Reading, "measured_at"), (Message, "at")], ids=["readings", "messages"]
)
def test_a_query_bounded_in_time_reads_one_partition(model: type[models.Model], column: str) -> None:
    rows = model._default_manager.order_by().filter(
        **{f"{column}__gte": NEXT, f"{column}__lt": NEXT + timedelta(days=3), "charge_point": 1}
    )

    plan = rows.explain()

    months = {month for month, name in partitions.months(model._meta.db_table) if name in plan}
    assert months == {NEXT}
    assert "_rest" not in plan


def test_rows_are_found_changed_and_deleted_by_their_number(charge_point: ChargePoint) -> None:
    here, odd = reading(charge_point, NOW), reading(charge_point, datetime(1970, 1, 1, tzinfo=UTC))

    Reading.objects.filter(pk=odd.pk).update(soc_percent=2)
    here.delete()

    assert Reading.objects.get(pk=odd.pk).soc_percent == 2
    assert charge_point.delete()[1]["transactions.Reading"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_month_whose_table_is_locked_is_made_the_next_time(
    other_session: psycopg.Connection[Any],
) -> None:
    later = NEXT + timedelta(days=1)
    wanted = partitions.month_of(NEXT + timedelta(days=75))
    other_session.execute(f"LOCK TABLE {TABLE}_rest IN ACCESS SHARE MODE")

    maintain_beside(later)
    assert wanted not in [month for month, _ in partitions.months(TABLE)]

    other_session.rollback()
    maintain_beside(later)
    assert wanted in [month for month, _ in partitions.months(TABLE)]


def test_the_migration_to_partitions_keeps_all_rows(charge_point: ChargePoint) -> None:
    plain_again(Reading)
    session = Transaction.objects.create(
        id=1000,
        charge_point=charge_point,
        ocpp_id="1",
        started_at=NOW,
        start_received_at=NOW,
        last_message_at=NOW,
    )
    for days in (0, 40, 400, 20_000, -400):
        reading(charge_point, NOW - timedelta(days=days))
        reading(charge_point, NOW - timedelta(days=days), transaction=session, signed_data='"\\{}')
    before = list(Reading.objects.order_by("pk").values_list())

    divide(Reading)
    divide(Reading)

    assert list(Reading.objects.order_by("pk").values_list()) == before
    assert THIS in [month for month, _ in partitions.months(TABLE)]
    assert reading(charge_point, NOW, raw="2").pk > before[-1][0]
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, TABLE)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = %s", [f"{TABLE}_whole"])
        assert cursor.fetchone() == (0,)
    unique = sorted(
        name for name, about in constraints.items() if about["unique"] and not about["primary_key"]
    )
    assert unique == ["reading_once_at_station", "reading_once_in_transaction"]
    assert [name for name, about in constraints.items() if about["foreign_key"]] == []


def test_the_migration_to_partitions_keeps_the_references(charge_point: ChargePoint) -> None:
    plain_again(MeterValue)

    divide(MeterValue)

    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, partitions.METER_VALUES.table)
    assert sorted(about["foreign_key"][0] for about in constraints.values() if about["foreign_key"]) == [
        "chargepoints_chargepoint",
        "transactions_transaction",
    ]


def test_a_table_that_is_not_partitioned_yet_is_left_as_it_is(charge_point: ChargePoint) -> None:
    plain_again(Reading)
    kept = reading(charge_point, NOW)
    later = NOW + timedelta(days=100)

    maintain(FOR_EVER, later)

    assert Reading.objects.get() == kept and partitions.months(TABLE) == []
    assert partitions.month_of(later) in [month for month, _ in partitions.months(partitions.MESSAGES.table)]


def plain_again(model: type[models.Model]) -> None:
    """Restore the table as Django made it, without partitions."""
    with connection.schema_editor() as editor:
        editor.delete_model(model)
        editor.create_model(model)


def divide(model: type[models.Model]) -> None:
    connection.check_constraints()
    state = ProjectState.from_apps(apps)
    with connection.schema_editor() as editor:
        step = partitions.DivideByMonth(model._meta.model_name or "", partitions.READINGS.column)
        step.database_forwards(model._meta.app_label, editor, state, state)
