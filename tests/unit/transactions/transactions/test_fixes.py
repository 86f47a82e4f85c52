"""The proposed fix of a suspect session: the rule alone, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from transactions.services.transactions.fixes import (
    Fix,
    Reading,
    Session,
    continues,
    merged_energy,
    plausible_energy,
    propose,
)

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def session(number: int = 1000, **more: Any) -> Session:
    codes = more.pop("codes", ())
    values: dict[str, Any] = {
        "is_active": False,
        "energy_wh": 4000.0,
        "meter_start_wh": 1000.0,
        "meter_last_wh": 5000.0,
        "meter_stop_wh": 5000.0,
        "token_key": "card",
        "started_at": NOON,
        "ended_at": minutes(60),
    }
    return Session(number=number, codes=frozenset(codes), **(values | more))


def register(*values: float) -> list[Reading]:
    return [Reading(minutes(10 * index), wh) for index, wh in enumerate(values)]


def running(*codes: str, **more: Any) -> Session:
    return session(codes=codes, is_active=True, meter_stop_wh=None, **more)


# -- running sessions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", [("connector-available",), ("meter-jump: a", "connector-available")])
def test_a_running_session_at_a_free_connector_is_closed(codes: tuple[str, ...]) -> None:
    proposal = propose(running(*codes), [], [])

    assert proposal.fix == Fix.CLOSE
    assert "last reading, 5,000 Wh" in proposal.words


def test_a_session_without_any_reading_is_closed_without_one() -> None:
    proposal = propose(running("connector-available", meter_last_wh=None), [], [])

    assert (proposal.fix, proposal.words.endswith("Close it without a reading.")) == (Fix.CLOSE, True)


def test_the_energy_of_a_running_session_is_not_settled_yet() -> None:
    assert propose(running("meter-jump"), [], []).fix is None


def test_a_wrong_clock_of_a_running_session_is_ignored() -> None:
    assert propose(running("clock-implausible"), [], []).fix == Fix.IGNORE


# -- energy --------------------------------------------------------------------------------------------------


def test_a_jump_is_left_out_of_the_energy() -> None:
    jumped = session(codes=["meter-jump"], energy_wh=9_004_000.0, meter_stop_wh=9_006_000.0)

    proposal = propose(jumped, register(1000, 3000, 9_003_000, 9_005_000), [])

    assert (proposal.fix, proposal.energy_wh) == (Fix.CORRECT_ENERGY, 5000)
    assert "3,000 to 9,003,000 Wh" in proposal.words


def test_a_jump_that_the_stored_readings_do_not_show_is_left_to_a_person() -> None:
    proposal = propose(
        session(
            codes=["meter-jump"], energy_wh=9_003_000.0, meter_stop_wh=9_004_000.0, ended_at=minutes(60 * 20)
        ),
        [],
        [],
    )

    assert proposal.fix is None
    assert "9,003,000 Wh" in proposal.words


def test_energy_that_agrees_with_its_readings_is_ignored() -> None:
    proposal = propose(session(codes=["meter-reset"]), register(1000, 3000, 5000), [])

    assert proposal.fix == Fix.IGNORE
    assert "4,000 Wh" in proposal.words


def test_a_session_without_energy_is_ignored() -> None:
    proposal = propose(session(codes=["superseded"], energy_wh=0.0), [], [])

    assert (proposal.fix, "No energy" in proposal.words) == (Fix.IGNORE, True)


def test_a_final_reading_below_an_earlier_one_counts_from_start_to_stop() -> None:
    regressed = session(codes=["meter-regression"], energy_wh=9000.0, meter_stop_wh=5000.0)

    proposal = propose(regressed, register(1000, 10_000), [])

    assert (proposal.fix, proposal.energy_wh) == (Fix.CORRECT_ENERGY, 4000)


def test_a_final_reading_below_the_start_keeps_the_sum_of_the_readings() -> None:
    regressed = session(codes=["meter-regression"], energy_wh=4000.0, meter_stop_wh=120.0)

    assert propose(regressed, register(1000, 5000), []).fix == Fix.IGNORE


def test_missing_events_are_corrected_by_the_registers() -> None:
    gap = session(codes=["events-missing"], energy_wh=1500.0)

    proposal = propose(gap, register(1000, 2500), [])

    assert (proposal.fix, proposal.energy_wh) == (Fix.CORRECT_ENERGY, 4000)


@pytest.mark.parametrize(
    ("values", "wanted", "left_out"),
    [
        ((), None, 0),
        ((1000,), None, 0),
        ((1000, 5000), 4000, 0),
        ((1000, 5000, 0, 2000), 6000, 1),  # a reset
        ((1000, 5000, 0, 5500), 4500, 1),  # one implausible reading
        ((1000, 9_000_000, 1500), 500, 1),  # a spike
        ((1000, 9_000_000, 9_001_000), 1000, 1),  # a new meter
        ((1000, 2000, 9_000_000), 1000, 1),
        ((0, 1_500_000, 1_501_000), 1000, 1),  # a start of 0 from an unread meter
    ],
)
def test_the_sum_of_plausible_differences(
    values: tuple[float, ...], wanted: float | None, left_out: int
) -> None:
    energy_wh, odd = plausible_energy(register(*values))

    assert (energy_wh, len(odd)) == (wanted, left_out)


# -- merging -------------------------------------------------------------------------------------------------


def following(**more: Any) -> Session:
    values: dict[str, Any] = {
        "energy_wh": 2000.0,
        "meter_start_wh": 5100.0,
        "meter_last_wh": 7100.0,
        "meter_stop_wh": 7100.0,
        "started_at": minutes(61),
        "ended_at": minutes(120),
    }
    return session(1001, **(values | more))


@pytest.mark.parametrize("code", ["superseded", "abandoned"])
def test_a_session_that_another_continues_is_merged_with_it(code: str) -> None:
    proposal = propose(session(codes=[code]), [], [following()])

    assert (proposal.fix, proposal.other, proposal.energy_wh) == (Fix.MERGE, 1001, 6100)


def test_a_session_that_continues_another_is_merged_with_it() -> None:
    proposal = propose(following(codes=["start-missing"]), [], [session()])

    assert (proposal.fix, proposal.other, proposal.energy_wh) == (Fix.MERGE, 1000, 6100)


@pytest.mark.parametrize(
    "other",
    [
        {"token_key": "another"},
        {"token_key": ""},
        {"is_active": True},
        {"started_at": minutes(80), "ended_at": minutes(90)},
        {"started_at": minutes(50)},
        {"meter_start_wh": 4999.0},
        {"meter_start_wh": 6001.0},
        {"meter_start_wh": None},
    ],
)
def test_another_session_does_not_continue_it(other: dict[str, Any]) -> None:
    assert not continues(session(), following(**other))
    assert propose(session(codes=["superseded"]), [], [following(**other)]).fix == Fix.IGNORE


def test_a_merge_of_registers_that_do_not_continue_adds_the_energy_of_both() -> None:
    assert merged_energy(session(), following(meter_start_wh=90_000.0)) == 6000
