"""The proposed fix of a suspect session: the rule alone, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.protocol.translate.energy import mwh_of, wh_of
from transactions.services.transactions.fixes import (
    Fix,
    Reading,
    Session,
    continues,
    figure,
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
    known = {
        name.replace("_wh", "_mwh"): mwh_of(value) if name.endswith("_wh") else value
        for name, value in (values | more).items()
    }
    return Session(number=number, codes=frozenset(codes), **known)


def register(*values: float) -> list[Reading]:
    return [Reading(minutes(10 * index), mwh_of(wh)) for index, wh in enumerate(values)]


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
    energy_mwh, odd = plausible_energy(register(*values))

    assert (wh_of(energy_mwh), len(odd)) == (wanted, left_out)


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
    assert merged_energy(session(), following(meter_start_wh=90_000.0)) == 6_000_000


# -- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "is_one"),
    [
        ({"started_at": minutes(75)}, True),
        ({"started_at": minutes(75.1)}, False),
        ({"started_at": minutes(55)}, True),
        ({"started_at": minutes(54.9)}, False),
        ({"meter_start_wh": 5000.0}, True),
        ({"meter_start_wh": 6000.0}, True),
        ({"meter_start_wh": 4999.9}, False),
        ({"meter_start_wh": 6000.1}, False),
    ],
)
def test_a_session_continues_another_after_a_short_pause_and_at_its_register(
    other: dict[str, Any], is_one: bool
) -> None:
    assert continues(session(), following(**other)) is is_one


def test_a_session_without_a_last_reading_or_that_runs_is_continued_by_none() -> None:
    assert not continues(session(meter_last_wh=None), following())
    assert not continues(session(is_active=True), following())


@pytest.mark.parametrize(
    "code", ["superseded", "matched-without-number", "abandoned", "start-missing", "stop-came-first"]
)
def test_each_reason_of_a_split_proposes_a_merge(code: str) -> None:
    assert propose(session(codes=[code]), [], [following()]).fix == Fix.MERGE


def test_a_suspicion_about_something_else_proposes_no_merge() -> None:
    assert propose(session(codes=["clock-implausible"]), [], [following()]).fix == Fix.IGNORE


def test_the_first_neighbour_that_continues_the_session_is_proposed() -> None:
    proposal = propose(session(codes=["superseded"]), [], [following(token_key="x"), following()])

    assert (proposal.fix, proposal.other) == (Fix.MERGE, 1001)


@pytest.mark.parametrize("code", ["meter-reset", "meter-start-ahead", "events-missing", "events-lost"])
@pytest.mark.parametrize(("counted", "fix"), [(3999.1, Fix.IGNORE), (3999.0, Fix.CORRECT_ENERGY)])
def test_a_difference_of_a_wh_is_worth_a_correction(code: str, counted: float, fix: Fix) -> None:
    known = session(codes=[code], meter_start_wh=1000.0, meter_stop_wh=1000.0 + counted)

    proposal = propose(known, [], [])

    assert (proposal.fix, proposal.energy_wh) == (fix, counted if fix == Fix.CORRECT_ENERGY else None)


def test_a_suspicion_about_something_else_proposes_no_correction() -> None:
    known = session(codes=["superseded"], meter_stop_wh=9000.0)

    assert propose(known, register(1000, 9000), []).fix == Fix.IGNORE


@pytest.mark.parametrize(("wh", "says"), [(0.9, "No energy was drawn"), (1.0, "energy of 1 Wh agrees")])
def test_less_than_a_wh_is_no_energy(wh: float, says: str) -> None:
    assert says in propose(session(codes=["superseded"], energy_wh=wh), [], []).words


@pytest.mark.parametrize("code", ["connector-available", "abandoned"])
def test_a_running_session_at_a_connector_without_a_vehicle_is_closed_with_its_energy(code: str) -> None:
    proposal = propose(running(code), [], [])

    assert (proposal.fix, proposal.energy_wh) == (Fix.CLOSE, 4000)


def test_a_regression_that_starts_and_stops_implausibly_far_apart_counts_its_readings() -> None:
    known = session(codes=["meter-regression"], energy_wh=9.0, meter_stop_wh=9_000_000.0)

    proposal = propose(known, register(1000, 3000), [])

    assert (proposal.fix, proposal.energy_wh) == (Fix.CORRECT_ENERGY, 2000)


@pytest.mark.parametrize(("stop", "energy_wh"), [(1000.0, 0.0), (999.0, 4000.0)])
def test_a_regression_to_the_start_has_no_energy(stop: float, energy_wh: float) -> None:
    known = session(codes=["meter-regression"], energy_wh=9000.0, meter_stop_wh=stop)

    assert propose(known, register(1000, 5000), []).energy_wh == energy_wh


@pytest.mark.parametrize(
    ("hours", "added_wh", "is_left_out"),
    [
        (1, 1_001_000, False),
        (1, 1_001_000.001, True),
        (0, 1000, False),
        (0, 1000.001, True),
        (-1, 1000, False),
    ],
)
def test_a_charger_delivers_a_megawatt_at_most(hours: float, added_wh: float, is_left_out: bool) -> None:
    _, left_out = plausible_energy([Reading(NOON, 0), Reading(minutes(60 * hours), mwh_of(added_wh))])

    assert bool(left_out) is is_left_out


def test_at_most_three_differences_that_are_left_out_are_named() -> None:
    def words(*values: float) -> str:
        known = session(codes=["meter-reset"], energy_wh=9.0, meter_start_wh=None, meter_stop_wh=None)
        return propose(known, register(*values), []).words

    assert words(100, 90, 80, 70).endswith("left out: 100 to 90 Wh; 90 to 80 Wh; 80 to 70 Wh.")
    assert words(100, 90, 80, 70, 60).endswith("80 to 70 Wh; ....")


@pytest.mark.parametrize(
    ("mwh", "text"),
    [
        (None, "?"),
        (9_003_000_000, "9,003,000"),
        (120_500, "120.5"),
        (0, "0"),
        (1_001, "1.001"),
        (100_000, "100"),
    ],
)
def test_a_number_of_wh_is_shown_without_empty_decimals(mwh: int | None, text: str) -> None:
    assert figure(mwh) == text


def test_sessions_without_a_token_are_never_one() -> None:
    assert not continues(session(token_key=""), following(token_key=""))


@pytest.mark.parametrize("added", [0.5, 1])
def test_a_small_difference_of_the_register_is_energy(added: float) -> None:
    assert continues(session(), following(meter_start_wh=5000 + added))
    assert plausible_energy(register(1000, 1000 + added)) == (mwh_of(added), [])


def test_sums_and_differences_are_exact() -> None:
    tenths = session(codes=["meter-regression"], energy_wh=9.0, meter_start_wh=0.1, meter_stop_wh=0.3)

    assert (
        merged_energy(session(energy_wh=0.1, meter_last_wh=0.1), following(energy_wh=0.2, meter_start_wh=0.3))
        == 500
    )
    assert plausible_energy(register(*(0.1 * step for step in range(11)))) == (1000, [])
    assert propose(tenths, register(0.1, 0.7), []).energy_mwh == 200


def test_only_a_regression_counts_from_start_to_stop() -> None:
    reset = session(codes=["meter-reset"], energy_wh=9.0)

    assert propose(reset, register(1000, 3000, 500, 2500), []).energy_wh == 2000 + 2000 + 2500


def test_the_start_is_counted_before_the_readings_and_the_stop_after_them() -> None:
    gap = session(codes=["events-missing"], energy_wh=9.0)

    proposal = propose(gap, register(2000, 3000), [])

    assert proposal.energy_wh == 4000
    assert proposal.words == "The sum of the plausible differences of the register is 4,000 Wh."


def test_what_is_left_out_of_the_sum_is_named_behind_it() -> None:
    spike = session(codes=["meter-jump"], energy_wh=9.0)

    assert propose(spike, register(2000, 9_000_000), []).words == (
        "The sum of the plausible differences of the register is 4,000 Wh; left out: 2,000 to 9,000,000 Wh."
    )
