"""The stored samples of a session: all of them, each once, in their order, and in pages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoints.models import ChargePoint
from tests.direct.properties import searched, searched_for_long
from tests.direct.readings import a_sample
from tests.unit.transactions.metering.stored_readings import (
    a_session,
    at,
    sampled,
    sampled_by_old_release,
    shown,
    some_messages,
    store,
)
from transactions.models import Reading, Transaction
from transactions.services.metering import stored
from transactions.services.metering.samples import Wanted
from transactions.services.metering.stored import Series

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("session")]


def raws(series: Series) -> list[str]:
    return [sample.raw for sample in series]


def test_the_same_time_in_two_messages_is_one_list_in_the_order_of_arrival() -> None:
    sampled(a_sample("1"), a_sample("2", phase="L1"), second=5)
    sampled(a_sample("9"), second=4)
    sampled(a_sample("3", phase="L2"), second=5)

    assert raws(Series(1000)) == ["9", "1", "2", "3"]
    assert Series(1000).total() == 4


def test_a_repeated_message_is_stored_once() -> None:
    for received in (0, 1):
        sampled(a_sample("1"), a_sample("2", phase="L1"), second=5, received=received)

    assert Reading.objects.count() == 1
    assert [sample.received_at for sample in Series(1000)] == [at(0), at(0)]


def test_a_sample_that_another_message_repeats_at_its_time_comes_once() -> None:
    sampled(a_sample("1"), a_sample("2", phase="L1"), second=5)
    sampled(a_sample("2", phase="L1"), a_sample("3"), second=5, received=1)
    sampled(a_sample("3"), second=6)

    assert raws(Series(1000)) == ["1", "2", "3", "3"]
    assert Series(1000).total() == 4


def test_samples_of_another_place_or_session_are_others() -> None:
    a_session(ChargePoint.objects.get(), 1001)
    sampled(a_sample("1"), second=5)
    sampled(a_sample("1"), second=5, connector_number=2)
    sampled(a_sample("7"), second=5, transaction_id=1001)
    sampled(a_sample("8"), second=5, transaction_id=None)

    assert raws(Series(1000)) == ["1", "1"]


def test_the_rows_of_an_earlier_release_are_among_the_readings() -> None:
    sampled_by_old_release(a_sample("1"), a_sample("2", phase="L1"), second=5)
    sampled(a_sample("2", phase="L1"), a_sample("3"), second=5)
    sampled(a_sample("0"), second=4)

    assert raws(Series(1000)) == ["0", "1", "2", "3"]
    assert Series(1000).total() == 4


def test_the_rows_of_an_earlier_release_alone_are_counted_by_the_database(
    django_assert_num_queries: Any,
) -> None:
    sampled_by_old_release(a_sample("1"), a_sample("2", phase="L1"), second=5)

    with django_assert_num_queries(3):
        assert Series(1000).total() == 2


def test_readings_alone_are_counted_by_the_database(django_assert_num_queries: Any) -> None:
    three_times()

    with django_assert_num_queries(2):
        assert Series(1000).total() == 6


def test_a_session_without_readings_has_no_samples() -> None:
    assert (raws(Series(1000)), Series(1000).total(), Series(1000).page(5)) == ([], 0, [])


def narrowed(series: Series, first: int, last: int, phase: str | None) -> Series:
    phases = None if phase is None else frozenset({phase})
    return series.narrowed(wanted=Wanted(phases=phases), since=at(first), until=at(last))


def are_all_there(messages: list[Any], size: int, phase: str | None) -> None:
    expected = store(messages)

    assert [shown(sample) for sample in Series(1000)] == expected
    assert Series(1000).total() == len(expected)
    part = narrowed(Series(1000), 1, 4, phase)
    wanted = [one for one in expected if at(1) <= one[0] < at(4) and phase in (None, one[3]["phase"])]
    assert [shown(sample) for sample in part] == wanted
    assert part.total() == len(wanted)
    values = [(one[0], one[3]["raw"]) for one in wanted if one[3]["value"] is not None]
    assert [(moment, raw) for moment, _, _, raw in part.values()] == values
    for newest_first in (False, True):
        read: list[Any] = []
        after = None
        while page := part.page(size, newest_first=newest_first, after=after):
            assert len(page) <= size
            read += page
            after = page[-1].place
        assert [shown(sample) for sample in read] == (wanted[::-1] if newest_first else wanted)
        for skipped in range(len(wanted) + 2):
            page = part.page(size, newest_first=newest_first, skipped=skipped)
            assert page == read[skipped : skipped + size]


@searched(30)
@given(some_messages, st.integers(1, 4), st.sampled_from([None, None, "", "L1"]))
def test_the_samples_and_their_pages_are_those_of_rows_of_one_sample(
    messages: list[Any], size: int, phase: str | None
) -> None:
    are_all_there(messages, size, phase)


@searched_for_long(1000)
@given(some_messages, st.integers(1, 4), st.sampled_from([None, None, "", "L1"]))
def test_the_samples_and_their_pages_are_those_of_rows_of_one_sample_for_long(
    messages: list[Any], size: int, phase: str | None
) -> None:
    are_all_there(messages, size, phase)


def three_times() -> None:
    """The samples 0a 0b 1a 1b 2a 2b, two of a second."""
    for second in range(3):
        sampled(a_sample(f"{second}a"), a_sample(f"{second}b"), second=second)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(None, None, "0a 0b 1a 1b 2a 2b"), (1, None, "1a 1b 2a 2b"), (None, 1, "0a 0b"), (1, 2, "1a 1b")],
)
def test_a_period_begins_with_its_first_time_and_ends_before_its_last(
    first: int | None, last: int | None, expected: str
) -> None:
    three_times()
    since, until = (None if second is None else at(second) for second in (first, last))

    for series in (
        Series(1000, since=since, until=until),
        Series(1000).narrowed(wanted=Wanted(), since=since, until=until),
    ):
        assert " ".join(raws(series)) == expected
        assert series.total() == len(expected.split())


@pytest.mark.parametrize(
    ("after", "newest_first", "expected"),
    [("0a", False, "0b 1a"), ("0b", False, "1a 1b"), ("2a", False, "2b"), ("2b", False, "")]
    + [("2b", True, "2a 1b"), ("2a", True, "1b 1a"), ("0b", True, "0a"), ("0a", True, "")],
)
def test_a_page_follows_a_place_within_a_time_and_after_it(
    after: str, newest_first: bool, expected: str
) -> None:
    three_times()
    (place,) = (sample.place for sample in Series(1000) if sample.raw == after)

    page = Series(1000).page(2, newest_first=newest_first, after=place)

    assert " ".join(sample.raw for sample in page) == expected


def test_a_page_leaves_out_samples_of_whole_times_and_of_parts() -> None:
    three_times()

    for newest_first, order in ((False, "0a 0b 1a 1b 2a 2b"), (True, "2b 2a 1b 1a 0b 0a")):
        for skipped in range(8):
            page = Series(1000).page(2, newest_first=newest_first, skipped=skipped)
            assert [sample.raw for sample in page] == order.split()[skipped : skipped + 2]


def test_many_rows_are_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_MOST", 3)
    for second in range(8):
        sampled(a_sample(str(second)), second=second)
        sampled(a_sample(str(second + 100)), second=second)
    expected = [str(second + more) for second in range(8) for more in (0, 100)]

    assert raws(Series(1000)) == expected
    assert [one.raw for one in Series(1000).page(20, newest_first=True)] == expected[::-1]
    assert len(list(Series(1000).values())) == 16


@pytest.mark.parametrize("of", ["station", "session"])
def test_readings_are_deleted_with_their_station_and_their_session(of: str, session: Transaction) -> None:
    other = ChargePoint.objects.create(pk=2, identity="CP-2")
    sampled(a_sample("1"), second=5)
    sampled(a_sample("2"), second=5, transaction_id=None)
    sampled(a_sample("3"), second=5, transaction_id=None, charge_point_id=other.pk)

    (other if of == "station" else session).delete()

    left = {(row.charge_point_id, row.transaction_id) for row in Reading.objects.all()}
    assert left == ({(1, 1000), (1, None)} if of == "station" else {(1, None), (2, None)})
