"""The pause in which messages gather to a batch: how long, and when there is none."""

from __future__ import annotations

import pytest

from ocpp_server.storage.gathering import COMPANY, LONGEST_S, PROBE_EVERY, Gathering


def at(per_second: float) -> Gathering:
    """After batches at a steady rate."""
    gathering = Gathering()
    gathering.written(0, 1000.0)
    gathering.written(round(per_second * 10), 1010.0)
    assert gathering.per_second == pytest.approx(per_second)
    return gathering


@pytest.mark.parametrize(
    ("per_second", "seconds"),
    [
        (0, 0.0),
        (41.6, 0.0),
        (41.7, 0.012),
        (100, 0.012),
        (666, 0.012),
        (800, 0.010),
        (1000, 0.008),
        (2000, 0.004),
        (2100, 0.004),
        (20_000, 0.004),
    ],
)
def test_the_pause_is_for_eight_messages_within_its_bounds(per_second: float, seconds: float) -> None:
    assert at(per_second).pause() == pytest.approx(seconds, abs=1e-5)


@pytest.mark.parametrize(
    ("later_s", "messages", "per_second"),
    # A batch counts by the share of a second that it covers; one that covers two counts alone.
    [(0.5, 400, 900), (0.25, 500, 1250), (2.0, 1400, 700), (0.0, 100, 1099.9)],
)
def test_the_rate_follows_the_batches_of_the_last_second(
    later_s: float, messages: int, per_second: float
) -> None:
    gathering = at(1000)

    gathering.written(messages, 1010.0 + later_s)

    assert gathering.per_second == pytest.approx(per_second)


def test_pauses_that_nothing_came_in_end_and_are_tried_again() -> None:
    gathering = at(1000)
    paused = 0
    while gathering.pause():
        gathering.paused(0)
        paused += 1
    assert paused == 3

    later = [bool(gathering.pause()) for _ in range(2 * PROBE_EVERY)]

    assert [place for place, is_pause in enumerate(later, 2) if is_pause] == [PROBE_EVERY, 2 * PROBE_EVERY]


def test_a_probe_that_messages_came_in_brings_the_pauses_back() -> None:
    gathering = at(1000)
    while gathering.pause():
        gathering.paused(0)

    gathering.paused(1)

    assert gathering.pause() > 0


def test_one_pause_without_company_among_others_ends_none() -> None:
    gathering = at(100)
    for came in (1, 0, 1, 0, 2, 0, 1):
        assert gathering.pause() == LONGEST_S
        gathering.paused(came)
    assert COMPANY < 1
