"""Two processes store the same first row at the same moment: one row results, and both are counted.

On SQLite one writer waits for the other; test_on_postgresql.py runs these tests with both at work at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from chargepoints.models import ChargePoint, Connector, Deviation, Evse
from chargepoints.services import availability, deviations
from configuration.models import ReportedKey, StoredKey
from configuration.services.variables import catalogue, reported
from ocpp_server.live.station import DeviationCount

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)
WRITERS, ROUNDS = 4, 10


@pytest.fixture
def charge_point() -> ChargePoint:
    return ChargePoint.objects.create(identity="contested")


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """Run functions in threads that start together, each with a connection of its own; their results."""
    start = threading.Barrier(len(work))

    def run(function: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait(60)
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


def test_deviations_of_a_kind_are_one_row_with_all_that_were_counted(charge_point: ChargePoint) -> None:
    def count(action: str) -> None:
        seen = {("unknown-field", action, f"p{n}"): counted(2) for n in range(3)}
        deviations.store([(charge_point.pk, seen)], NOW)

    for number in range(ROUNDS):
        at_once(*[lambda action=f"A{number}": count(action)] * WRITERS)

    counts = Deviation.objects.filter(charge_point=charge_point).values_list("count", flat=True)
    assert list(counts) == [2 * WRITERS] * 3 * ROUNDS


def counted(times: int) -> DeviationCount:
    count = DeviationCount("odd", "{}")
    count.count = times
    return count


def test_a_stored_key_is_one_row_with_one_of_the_values(charge_point: ChargePoint) -> None:
    values = [str(60 + n) for n in range(WRITERS)]

    for _ in range(ROUNDS):
        StoredKey.objects.all().delete()
        statuses = at_once(
            *[
                lambda value=value: catalogue.change(charge_point, "HeartbeatInterval", value)
                for value in values
            ]
        )
        assert set(statuses) == {"Accepted"}

    (row,) = StoredKey.objects.filter(charge_point=charge_point)
    assert row.value in values


def test_a_stored_key_that_one_resets_while_others_set_it_has_one_row_at_most(
    charge_point: ChargePoint,
) -> None:
    for _ in range(ROUNDS):
        at_once(
            *[lambda: catalogue.change(charge_point, "HeartbeatInterval", "77")] * 2,
            *[lambda: catalogue.change(charge_point, "HeartbeatInterval", "300")] * 2,
        )

    assert StoredKey.objects.filter(charge_point=charge_point).count() <= 1


def test_reported_keys_are_one_row_each(charge_point: ChargePoint) -> None:
    keys: dict[str, tuple[str | None, bool]] = {f"Key{n}": ("1", False) for n in range(20)}
    backwards = dict(reversed(keys.items()))

    for _ in range(ROUNDS):
        at_once(
            *[
                lambda given=given: reported._store(charge_point.pk, given, (), NOW)
                for given in (keys, backwards)
            ]
        )

    assert ReportedKey.objects.filter(charge_point=charge_point).count() == len(keys)


def test_a_connector_that_two_processes_store_first_is_one_row(charge_point: ChargePoint) -> None:
    for number in range(1, ROUNDS):
        at_once(*[lambda number=number: availability._make([(charge_point.pk, number, 1, False)])] * WRITERS)

    assert Evse.objects.filter(charge_point=charge_point).count() == ROUNDS - 1
    assert Connector.objects.filter(charge_point=charge_point).count() == ROUNDS - 1
