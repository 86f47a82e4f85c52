"""The swap that a message belongs to, and its state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import BatterySwap
from chargepoints.services.battery_swap import rules
from chargepoints.services.battery_swap.rules import Battery, Known, Way

State = BatterySwap.State
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = rules.HALF_DONE_KEPT
OLD = frozenset({("in", 1, "A")})


def known(
    state: str = State.OPEN,
    *,
    in_at: datetime | None = NOON,
    out_at: datetime | None = None,
    expires_at: datetime | None = NOON + DAY,
    ended_at: datetime | None = None,
) -> Known:
    return Known("k", state, in_at, out_at, expires_at, ended_at, OLD)


REQUESTED = known(State.REQUESTED, in_at=None, expires_at=NOON - DAY)
SWAPPED = known(State.SWAPPED, out_at=NOON, expires_at=None, ended_at=NOON)
RETURNED = known(State.RETURNED, expires_at=None, ended_at=NOON)
LAPSED = known(State.LAPSED, expires_at=None, ended_at=NOON)


@pytest.mark.parametrize(
    ("before", "way", "serial", "after", "belongs"),
    [
        (known(), "out", "B", timedelta(0), True),
        (known(), "in", "B", DAY, True),
        (known(), "in", "B", DAY + timedelta(seconds=1), False),
        (known(expires_at=None), "out", "B", 9 * DAY, True),
        # A repetition belongs to the swap that it repeats, at any time.
        (known(), "in", "A", 9 * DAY, True),
        (SWAPPED, "in", "A", 9 * DAY, True),
        (SWAPPED, "in", "B", timedelta(0), False),
        (SWAPPED, "out", "A", timedelta(0), False),
        # Batteries that were offered may be taken late.
        (RETURNED, "out", "B", 9 * DAY, True),
        (RETURNED, "in", "B", timedelta(0), False),
        (RETURNED, "offered", "B", timedelta(0), False),
        (REQUESTED, "in", "B", 9 * DAY, True),
        (LAPSED, "in", "B", DAY, True),
        (LAPSED, "in", "B", DAY + timedelta(seconds=1), False),
    ],
)
def test_a_message_belongs_to_the_known_swap_or_begins_another_one(
    before: Known, way: str, serial: str, after: timedelta, *, belongs: bool
) -> None:
    assert rules.continues(before, frozenset({(way, 1, serial)}), NOON + after) is belongs


def test_batteries_taken_before_the_time_was_up_are_not_taken_again() -> None:
    taken = RETURNED._replace(out_at=NOON)

    assert not rules.continues(taken, frozenset({("out", 1, "B")}), NOON)


@pytest.mark.parametrize(
    ("before", "way", "state", "times"),
    [
        (None, Way.IN, State.OPEN, (NOON, None)),
        (None, Way.OUT, State.OPEN, (None, NOON)),
        (REQUESTED, Way.IN, State.OPEN, (NOON, None)),
        (known(in_at=NOON - DAY), Way.OUT, State.SWAPPED, (NOON - DAY, NOON)),
        (known(in_at=None, out_at=NOON - DAY), Way.IN, State.SWAPPED, (NOON, NOON - DAY)),
        (known(in_at=NOON - DAY), Way.IN, State.OPEN, (NOON - DAY, None)),
        (known(in_at=None, out_at=NOON - DAY), Way.OUT, State.OPEN, (None, NOON - DAY)),
        (known(in_at=NOON - DAY), Way.OFFERED, State.RETURNED, (NOON - DAY, None)),
        (RETURNED, Way.OUT, State.SWAPPED, (NOON, NOON)),
    ],
)
def test_the_swap_after_a_message(
    before: Known | None, way: Way, state: State, times: tuple[datetime | None, datetime | None]
) -> None:
    step = rules.after(before, way, NOON)

    assert (step.state, step.in_at, step.out_at) == (state, *times)
    is_open = state == State.OPEN
    assert (step.expires_at, step.ended_at) == ((NOON + DAY, None) if is_open else (None, NOON))


@pytest.mark.parametrize(
    ("health", "least", "reason"), [(70, 70, ""), (69.9, 70, "BatterySoHLow"), (0, 0, "")]
)
def test_a_battery_in_bad_health_is_refused(health: float, least: float, reason: str) -> None:
    assert rules.refusal(Battery(1, "A", 12, health), least_health=least) == reason


def test_the_place_of_a_battery_is_its_way_its_slot_and_its_number() -> None:
    batteries = [Battery(1, "A", 12, 90), Battery(2, "A", 12, 90), Battery(1, "A", 50, 10)]

    assert rules.places(Way.OUT, batteries) == {("out", 1, "A"), ("out", 2, "A")}
