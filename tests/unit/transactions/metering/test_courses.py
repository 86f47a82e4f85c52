"""The energy and the power of a stored session from its columns: those of its samples."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given

from ocpp_server.protocol.translate.metering import POWER
from tests.direct.properties import searched, searched_for_long
from tests.direct.readings import a_sample
from tests.unit.transactions.metering.stored_readings import (
    sampled,
    sampled_by_old_release,
    some_messages,
    store,
)
from transactions.models import Transaction
from transactions.services.metering import courses, energy
from transactions.services.metering.counting import Register
from transactions.services.metering.courses import Course
from transactions.services.metering.stored import Series

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("session")]


def of_samples() -> Course:
    return courses._add(Course([], {}), Series(1000, wanted=courses._WANTED).values())


def power(watts: dict[datetime, dict[str, float]]) -> dict[datetime, float]:
    """The power at each time as the chart shows it."""
    found = {}
    for at, phases in watts.items():
        shown = {phase: value for phase, value in phases.items() if phase in {"", *energy.PHASES}}
        if shown:
            found[at] = shown.get("", sum(shown.values()))
    return found


def is_the_same_of_columns_and_samples(session: Transaction, messages: list[Any], *, old: bool) -> None:
    store(messages, old=old)

    course, expected = courses.of(1000, at_most=100), of_samples()

    assert sorted(course.registers) == sorted(expected.registers)
    assert power(course.watts) == pytest.approx(power(expected.watts))
    assert energy.curve(session, course.registers) == energy.curve(session, expected.registers)


@searched(40)
@given(some_messages)
def test_the_columns_and_the_samples_have_the_same_course(session: Transaction, messages: list[Any]) -> None:
    is_the_same_of_columns_and_samples(session, messages, old=False)
    is_the_same_of_columns_and_samples(session, messages, old=True)


@searched_for_long(2000)
@given(some_messages)
def test_the_columns_and_the_samples_have_the_same_course_for_long(
    session: Transaction, messages: list[Any]
) -> None:
    is_the_same_of_columns_and_samples(session, messages, old=False)
    is_the_same_of_columns_and_samples(session, messages, old=True)


def queries_of_samples() -> int:
    with CaptureQueriesContext(connection) as queries:
        courses.of(1000, at_most=100)
    return sum('"samples"' in query["sql"] for query in queries.captured_queries)


def test_usual_readings_are_not_decompressed() -> None:
    for second in range(5):
        sampled(a_sample(str(second)), a_sample("7", measurand=POWER), second=second)

    assert queries_of_samples() == 0
    sampled(a_sample("9", context="Transaction.End"), second=5)
    assert queries_of_samples() == 1


def test_a_session_of_unusual_readings_is_read_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courses, "_MOST_TIMES", 1)
    for second in range(3):
        sampled(*(a_sample("1", phase=phase) for phase in energy.PHASES), second=second)

    assert len(courses.of(1000, at_most=100).registers) == 9
    assert len(courses.of(1000, at_most=2).registers) == 6


def test_the_first_readings_are_taken() -> None:
    for second in range(4):
        sampled(a_sample(str(second)), second=second)

    assert [one.mwh for one in courses.of(1000, at_most=3).registers] == [0, 1000, 2000]


def test_the_rows_of_an_earlier_release_are_taken() -> None:
    sampled_by_old_release(a_sample("5"), a_sample("7", measurand=POWER), second=1)
    sampled(a_sample("6"), second=2)

    course = courses.of(1000, at_most=10)

    assert [one.mwh for one in course.registers] == [5000, 6000]
    assert [*course.watts.values()] == [{"": 7}]
    assert all(isinstance(one, Register) for one in course.registers)
