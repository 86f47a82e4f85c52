"""Arithmetic with spans, compared with sets of seconds."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from aggregates.services import spans
from aggregates.services.spans import HOUR_S, Span, Spans
from tests.direct.properties import searched

some = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def members(found: Spans | list[Span]) -> set[int]:
    return {second for begin, end in found for second in range(begin, end)}


@searched(100)
@given(some)
def test_a_union_has_the_same_seconds_once_and_in_order(given_spans: list[Span]) -> None:
    found = spans.union(given_spans)

    assert members(found) == members(given_spans)
    assert all(end < begin for (_, end), (begin, _) in zip(found, found[1:], strict=False))
    assert spans.seconds(found) == len(members(given_spans))


@searched(100)
@given(some, some)
def test_common_times_and_differences_are_those_of_the_seconds(first: list[Span], second: list[Span]) -> None:
    one, other = spans.union(first), spans.union(second)

    assert members(spans.common(one, other)) == members(one) & members(other)
    assert members(spans.without(one, other)) == members(one) - members(other)
    for found in (spans.common(one, other), spans.without(one, other)):
        assert found == spans.union(found) or members(found) == members(spans.union(found))


def test_a_span_is_divided_at_the_hours_of_utc() -> None:
    found: Counter[int] = Counter()
    for hour, seconds in spans.by_hour([(HOUR_S - 60, 3 * HOUR_S + 1), (3 * HOUR_S + 10, 3 * HOUR_S + 15)]):
        found[hour] += seconds

    assert found == {0: 60, HOUR_S: HOUR_S, 2 * HOUR_S: HOUR_S, 3 * HOUR_S: 6}
