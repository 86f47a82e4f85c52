"""The energy of a session by the hour of UTC, in whole thousandths of a Wh; it adds up to the session's.

`Transaction.energy_by_hour` has hours of TIME_ZONE. Those of a zone such as India's begin at the half hours
of UTC: their energy is divided in proportion to the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

from aggregates.services.spans import HOUR_S, Span, hour_of


def hours(known: Mapping[str, int] | None, energy_mwh: int, span: Span) -> Counter[int]:
    """The energy by the begin of the hour. `known`: the hours of the session, by seconds since 1970.

    Energy that is in no hour, as that of sessions of earlier versions, is spread evenly over the time of the
    session.
    """
    found: Counter[int] = Counter()
    for name, mwh in (known or {}).items():
        begin = int(name)
        for hour, share in _shares(mwh, (begin, begin + HOUR_S)):
            found[hour] += share
    rest = energy_mwh - sum(found.values())
    if rest > 0:
        for hour, share in _shares(rest, span):
            found[hour] += share
    elif rest < 0:
        _take(found, -rest)
    return +found


def _shares(mwh: int, span: Span) -> Iterator[tuple[int, int]]:
    """The energy by the hours of a span, evenly. The running sum is rounded, so that the whole is kept."""
    begin, end = span
    if begin >= end:
        yield hour_of(begin), mwh
        return
    marks = [begin, *range(hour_of(begin) + HOUR_S, end, HOUR_S), end]
    booked = 0
    for at, following in pairwise(marks):
        sum_mwh = (2 * mwh * (following - begin) + (end - begin)) // (2 * (end - begin))
        yield hour_of(at), sum_mwh - booked
        booked = sum_mwh


def _take(found: Counter[int], mwh: int) -> None:
    """Subtract energy from the latest hours."""
    for hour in sorted(found, reverse=True):
        share = min(found[hour], mwh)
        found[hour] -= share
        mwh -= share
