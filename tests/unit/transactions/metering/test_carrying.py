"""Samples of an earlier release become readings, and readings become its samples again on the way back."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.direct.properties import searched, searched_for_long
from tests.direct.readings import a_sample
from tests.unit.transactions.metering.stored_readings import (
    at,
    sampled,
    sampled_by_old_release,
    shown,
    some_messages,
    store,
)
from transactions.models import MeterValue, Reading
from transactions.services.metering import carrying
from transactions.services.metering.stored import Series

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("session")]


def everything() -> list[tuple[Any, ...]]:
    return [shown(sample) for sample in Series(1000)]


def columns() -> list[tuple[Any, ...]]:
    """The rows of readings without their numbers."""
    names = [field.attname for field in Reading._meta.concrete_fields if field.attname != "id"]
    return sorted(map(repr, Reading.objects.values_list(*names)))


def test_the_samples_of_a_message_become_a_reading_as_the_journal_stores_it() -> None:
    samples = [
        a_sample("12.5", raw_unit="kWh"),
        a_sample("230", measurand="Voltage", phase="L1"),
        a_sample("x", measurand="SoC", location="EV", signed_data='"\\{}'),
        a_sample("7", measurand="Power.Active.Import"),
    ]
    for put in (sampled, sampled_by_old_release):
        put(*samples, second=5, received=7)
        put(*samples, second=5, received=7, transaction_id=None)
        put(*samples, second=5, received=7, connector_number=None, evse_number=2)
    stored = columns()
    numbers = list(MeterValue.objects.order_by("id").values_list("id", flat=True))
    Reading.objects.all().delete()

    while carrying.step():
        pass

    assert columns() == stored
    assert not MeterValue.objects.exists()
    # Each has the number of its last sample.
    assert sorted(Reading.objects.values_list("id", flat=True)) == [numbers[3], numbers[7], numbers[11]]


def test_a_reading_that_was_sent_again_to_the_new_release_is_stored_once() -> None:
    sampled_by_old_release(a_sample("1"), a_sample("2", phase="L1"), second=5)
    sampled(a_sample("1"), a_sample("2", phase="L1"), second=5, received=9)

    assert carrying.step()

    assert Reading.objects.count() == 1
    assert not MeterValue.objects.exists()
    # The energy of a stopped session depends on which of its readings came before the stop.
    assert [received for _, received, *_ in everything()] == [at(0), at(0)]


def test_a_step_that_is_repeated_stores_nothing_twice() -> None:
    sampled_by_old_release(a_sample("1"), a_sample("2", phase="L1"), second=5)
    rows = list(MeterValue.objects.all())
    carrying.step()
    before = columns()
    MeterValue.objects.bulk_create(rows)  # as if another process had read them before they were deleted

    carrying.step()

    assert columns() == before
    assert not carrying.step()


def carries_in_steps(messages: list[Any], size: int) -> None:
    expected = store(messages)

    while carrying.step(size):
        assert everything() == expected
        assert Series(1000).total() == len(expected)

    assert everything() == expected
    assert not MeterValue.objects.exists()


@searched(30)
@given(some_messages, st.integers(1, 7))
def test_the_list_stays_the_same_after_each_step(messages: list[Any], size: int) -> None:
    carries_in_steps(messages, size)


@searched_for_long(1000)
@given(some_messages, st.integers(1, 7))
def test_the_list_stays_the_same_after_each_step_for_long(messages: list[Any], size: int) -> None:
    carries_in_steps(messages, size)


def carries_back(messages: list[Any], size: int) -> None:
    expected = [(*one[:1], *one[2:]) for one in store(messages, old=False)]

    while carrying.carry_back(Reading, MeterValue, at_most=size):
        pass

    assert not Reading.objects.exists()
    assert [(*one[:1], *one[2:]) for one in everything()] == expected


@searched(30)
@given(some_messages, st.integers(1, 4))
def test_the_way_back_has_a_row_for_each_sample(messages: list[Any], size: int) -> None:
    carries_back(messages, size)


def test_the_way_back_recognises_what_the_earlier_release_has_stored() -> None:
    sampled(a_sample("1"), second=5)
    carrying.carry_back(Reading, MeterValue, at_most=10)
    (row,) = MeterValue.objects.all()
    sampled(a_sample("1"), a_sample("2"), second=5)

    carrying.carry_back(Reading, MeterValue, at_most=10)

    assert [one.raw for one in MeterValue.objects.order_by("id")] == ["1", "2"]
    # Its key is the one that the earlier release calculates.
    assert row.sample_key == crc32(b"1|1|Energy.Active.Import.Register||||1")
    assert (row.measured_at, row.received_at) == (at(5), at(0))


def test_the_way_back_drops_the_readings_of_deleted_stations_and_sessions() -> None:
    sampled(a_sample("1"), second=5, charge_point_id=77, transaction_id=None)
    sampled(a_sample("2"), second=5, transaction_id=7777)
    sampled(a_sample("3"), second=5, transaction_id=None)

    carrying.carry_back(Reading, MeterValue, at_most=10)

    assert [one.raw for one in MeterValue.objects.all()] == ["3"]
    assert not Reading.objects.exists()
    connection.check_constraints()
