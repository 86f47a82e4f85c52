"""The station's stop: when the stored readings are needed, and the final reading that is stored."""

from __future__ import annotations

import pytest

from ocpp_server.live.records import TransactionState
from ocpp_server.live.registers import Registers
from tests.unit.transactions.metering.moments import a_session, at, sample
from transactions.services.metering import energy
from transactions.services.metering.counting import Rank


def unread(**more: object) -> TransactionState:
    """A session whose readings are not in the live state, after 100 Wh."""
    session = a_session(1000, sample(1, 1100))
    session.registers = Registers(is_known=False)
    for name, value in more.items():
        setattr(session, name, value)
    return session


# -- whether it needs the stored readings --------------------------------------------------------------------


@pytest.mark.parametrize(("stop_at", "wanted"), [(2, False), (1.999, True)])
def test_a_reading_of_the_moment_of_the_stop_is_not_later_than_it(stop_at: float, wanted: bool) -> None:
    session = a_session(1000, sample(1, 1100), sample(2, 1200))

    assert energy.must_recount(session, 1200, at(stop_at), received_at=at(9)) is wanted


@pytest.mark.parametrize(("stop_at", "wanted"), [(1, False), (0.999, True)])
def test_of_the_readings_in_the_stop_message_only_the_last_may_be_later(stop_at: float, wanted: bool) -> None:
    session = a_session(1000, sample(1, 1100), sample(2, 1200))

    assert energy.must_recount(session, 1200, at(stop_at), received_at=at(2)) is wanted


def test_a_stop_before_the_readings_of_another_message_is_counted_again_also_when_one_was_ahead() -> None:
    session = a_session(1000, sample(-1, 900), sample(1, 1100))

    assert not energy.must_recount(session, 1200, at(1), received_at=at(9))
    assert energy.must_recount(session, 1200, at(0.5), received_at=at(9))


# -- the final reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("meter_stop", "stored"), [(0, 0), (1, 1), (-0.1, 1100), (None, 1100)])
def test_a_settled_session_stores_a_late_meter_stop_unless_it_is_unknown(
    meter_stop: float | None, stored: float
) -> None:
    session = a_session(1000, sample(1, 1100))
    session.registers = Registers(is_known=False, is_settled=True)

    assert energy.finish(session, meter_stop, at(5)) == stored
    assert session.suspect_reasons == ["stop-after-settlement"]
    assert (session.energy_mwh, session.meter_last_mwh) == (100_000, 1_100_000)


def test_an_ended_session_without_any_reading_is_suspect() -> None:
    session = a_session(None)

    assert energy.finish(session, None, at(5)) is None
    assert session.suspect_reasons == ["meter-stop-missing"]
    assert (session.energy_mwh, session.mwh_by_hour) == (0, {})


def test_without_the_stored_readings_the_energy_by_hour_goes_on() -> None:
    session = unread(last_message_at=at(1))
    before = dict(session.mwh_by_hour or {})

    assert energy.finish(session, 1300, at(5)) == 1300
    assert sum((session.mwh_by_hour or {}).values()) == sum(before.values()) + 200_000 == 300_000
    assert energy.finish(unread(mwh_by_hour=None), 1300, at(5)) == 1300


def test_without_the_stored_readings_an_unknown_start_is_the_last_reading() -> None:
    session = unread(meter_start_mwh=None)

    assert energy.finish(session, 1300, at(5)) == 1300
    assert (session.meter_start_mwh, session.energy_mwh) == (1_100_000, 300_000)


def test_without_the_stored_readings_the_last_one_counts_as_a_whole_wh() -> None:
    """A stop that is lower by less than the rounding of two whole numbers is no regression."""
    lower, within = unread(), unread()

    energy.finish(lower, 1098, at(5))
    energy.finish(within, 1098.1, at(5))

    assert [reason.partition(":")[0] for reason in lower.suspect_reasons] == ["meter-regression"]
    assert (within.suspect_reasons, lower.energy_mwh) == ([], 100_000)


def test_without_the_stored_readings_and_the_last_one_there_is_no_energy_to_keep() -> None:
    session = unread(meter_last_mwh=None, energy_mwh=0)  # a stop that came before all readings

    assert energy.finish(session, 1300, at(5)) == 1300
    assert session.suspect_reasons == ["meter-start-implausible: no reading before the stop"]


def test_without_the_stored_readings_the_suspicions_about_them_stay() -> None:
    reasons = ["superseded", "clock-implausible: 1970-01-01T00:00:00", "meter-jump", "meter-reset: 1 to 0 Wh"]
    session = unread(suspect_reasons=[*reasons])

    energy.finish(session, 1300, at(5))

    assert session.suspect_reasons == reasons


def test_the_final_reading_of_a_session_is_its_last_one_or_none() -> None:
    assert energy.stop_wh(a_session(1000, sample(1, 1100))) == 1100
    assert energy.stop_wh(a_session(1000, sample(1, 1100), sample(2, 1150, Rank.END))) == 1150
    assert energy.stop_wh(a_session(None)) is None


def test_readings_after_the_end_leave_the_suspicion_that_there_was_no_final_one() -> None:
    session = a_session(None)
    session.is_active = False

    energy.recount(session, [])
    assert session.suspect_reasons == ["meter-stop-missing"]
    energy.recount(session, [sample(1, 1100)])
    assert session.suspect_reasons == []
    running = a_session(None)
    energy.recount(running, [])
    assert running.suspect_reasons == []
