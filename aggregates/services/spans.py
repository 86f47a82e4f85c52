"""Arithmetic with times: spans of whole seconds since 1970. A span includes its begin and not its end.

Lists of spans are sorted and do not overlap; `union` makes such a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

Span = tuple[int, int]
Spans = list[Span]

HOUR_S: Final = 3600


def second(at: datetime) -> int:
    return int(at.timestamp())


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def hour_of(second: int) -> int:
    """The begin of the hour of UTC."""
    return second - second % HOUR_S


def union(spans: Iterable[Span]) -> Spans:
    """The spans as a list without overlaps."""
    joined: Spans = []
    for begin, end in sorted(spans):
        if begin >= end:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def common(first: Spans, second: Spans) -> Spans:
    """The times that are in both."""
    found: Spans = []
    here = there = 0
    while here < len(first) and there < len(second):
        begin = max(first[here][0], second[there][0])
        end = min(first[here][1], second[there][1])
        if begin < end:
            found.append((begin, end))
        if first[here][1] <= second[there][1]:
            here += 1
        else:
            there += 1
    return found


def without(first: Spans, second: Spans) -> Spans:
    """The times of the first list that are not in the second one."""
    found: Spans = []
    place = 0
    for begin, end in first:
        while place < len(second) and second[place][1] <= begin:
            place += 1
        rest, at = begin, place
        while at < len(second) and second[at][0] < end:
            if rest < second[at][0]:
                found.append((rest, second[at][0]))
            rest = max(rest, second[at][1])
            at += 1
        if rest < end:
            found.append((rest, end))
    return found


def seconds(spans: Spans) -> int:
    return sum(end - begin for begin, end in spans)


def by_hour(spans: Iterable[Span]) -> Iterator[tuple[int, int]]:
    """The hours that the spans are in, each with its seconds. An hour may come several times."""
    for begin, end in spans:
        for hour in range(hour_of(begin), end, HOUR_S):
            yield hour, min(end, hour + HOUR_S) - max(begin, hour)
