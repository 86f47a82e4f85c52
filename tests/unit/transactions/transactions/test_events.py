"""2.x TransactionEvent on the live state: sequence numbers, generations, and the token of an event."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live.records import TransactionState
from ocpp_server.protocol.translate import IdToken, Verdict
from tests.unit.transactions.transactions.live_station import NOON, a_station, minutes, running
from tests.unit.transactions.transactions.sent_events import CHECK, an_event, with_events
from transactions.services.authorization.decision import Decision
from transactions.services.transactions import events, gaps, interruptions
from transactions.services.transactions.events import ENDED, STARTED, UPDATED, Event

# -- an old id for a new session -----------------------------------------------------------------------------


def an_ended_one(**more: Any) -> TransactionState:
    return with_events(0, 1, **({"is_active": False, "ended_by": "station", "stopped_at": NOON} | more))


@pytest.mark.parametrize(
    ("transaction", "event", "is_new"),
    [
        (an_ended_one(), an_event(STARTED, 0, at=1), True),
        (an_ended_one(), an_event(STARTED, 0, at=0), False),
        (an_ended_one(), an_event(STARTED, 0, at=-1), False),
        (an_ended_one(), an_event(UPDATED, 2, at=1), False),
        (an_ended_one(), an_event(ENDED, 2, at=1), False),
        (an_ended_one(ended_by="superseded"), an_event(STARTED, 0, at=1), False),
        (an_ended_one(stopped_at=None), an_event(STARTED, 0, at=1), False),
        (an_ended_one(has_started=False), an_event(STARTED, 0, at=1), False),
        (with_events(0, 1), an_event(STARTED, 0, at=1), False),
    ],
)
def test_a_start_after_the_station_s_end_is_a_new_session(
    transaction: TransactionState, event: Event, is_new: bool
) -> None:
    assert events._is_new_generation(transaction, event, CHECK) is is_new


def test_a_repeated_start_is_no_new_session() -> None:
    assert not events._is_new_generation(an_ended_one(), an_event(STARTED, 0, at=1), 100)


# -- sequence numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "is_unnumbered"),
    [
        (an_event(UPDATED, 1), False),  # the same kind under one number: a conflict
        (an_event(ENDED, 1), True),
        (an_event(STARTED, 0), False),
        (an_event(UPDATED, 0), True),
        (an_event(ENDED, 0), True),
    ],
)
def test_a_station_that_uses_a_number_for_two_kinds_does_not_number_its_events(
    event: Event, is_unnumbered: bool
) -> None:
    transaction = with_events(0, 1)

    assert events._is_unnumbered(transaction, event) is is_unnumbered
    assert transaction.has_seq_order is not is_unnumbered
    if is_unnumbered:
        assert events._is_unnumbered(transaction, an_event(UPDATED, 1))


def test_two_first_events_that_are_no_starts_are_unnumbered() -> None:
    transaction = with_events(0)
    transaction.seq_types[0] = UPDATED

    assert events._is_unnumbered(transaction, an_event(UPDATED, 0))


@pytest.mark.parametrize(
    ("seen", "missing"),
    [
        ((0, 1, 2), []),
        ((0, 3), [1, 2]),
        ((5, 7), [6]),  # stations may count from any number
        ((5, 3, 7), [6]),  # an event before the start's number is not missing
        ((0, 1000), list(range(1, 101))),
    ],
)
def test_the_numbers_between_the_start_s_and_the_highest_are_missing(
    seen: tuple[int, ...], missing: list[int]
) -> None:
    assert events._missing(with_events(*seen)) == missing


def test_without_a_start_the_lowest_number_is_the_first() -> None:
    transaction = with_events(4, 6)
    transaction.seq_types[4] = UPDATED

    assert events._missing(transaction) == [5]


def test_a_gap_makes_suspect_until_the_missing_event_arrives() -> None:
    transaction = with_events(0)

    def arrives(number: int) -> dict[str, object]:
        transaction.seq_types[number] = UPDATED
        return events._renumber(transaction, an_event(seq_no=number))

    assert arrives(1) == {}
    assert arrives(4) == {"missing_seq_nos": [2, 3]}
    assert transaction.suspect_reasons == ["events-missing: 2, 3"]
    assert arrives(5) == {"missing_seq_nos": [2, 3]}
    assert arrives(2) == {"missing_seq_nos": [3]}
    assert transaction.suspect_reasons == ["events-missing: 3"]
    assert arrives(3) == {"missing_seq_nos": []}
    assert (transaction.suspect_reasons, transaction.last_seq_no) == ([], 5)


@pytest.mark.parametrize("more", [{"has_seq_order": False}, {"has_started": False}])
def test_no_number_is_missing_where_numbers_say_nothing(more: dict[str, Any]) -> None:
    transaction = with_events(0, **more)
    transaction.seq_types[9] = UPDATED

    assert events._renumber(transaction, an_event(seq_no=9)) == {}
    assert transaction.suspect_reasons == []


@pytest.mark.parametrize(
    ("seq_no", "more", "state", "last"),
    [
        (6, {}, "Charging", 6),
        (5, {}, "Charging", 5),
        (4, {}, "SuspendedEV", 5),  # a late event does not bring back an older state
        (4, {"has_seq_order": False}, "Charging", 5),
        (6, {"is_active": False}, "SuspendedEV", 6),
    ],
)
def test_the_event_with_the_highest_number_has_the_state(
    seq_no: int, more: dict[str, Any], state: str, last: int
) -> None:
    transaction = with_events(0, 1, 2, 3, 5, charging_state="SuspendedEV", **more)

    events._renumber(transaction, an_event(seq_no=seq_no))

    assert (transaction.charging_state, transaction.last_seq_no) == (state, last)


def test_the_first_event_has_the_first_number() -> None:
    transaction = running(ocpp_id="T1")
    transaction.seq_types[7] = STARTED

    assert events._renumber(transaction, an_event(STARTED, 7)) == {}
    assert (transaction.last_seq_no, transaction.charging_state) == (7, "Charging")


def test_an_event_without_a_state_keeps_the_known_one() -> None:
    transaction = with_events(0, charging_state="SuspendedEV")
    events._renumber(transaction, an_event(seq_no=1, charging_state=""))
    kept = transaction.charging_state
    events._renumber(transaction, an_event(seq_no=2, charging_state="X" * 40))

    assert (kept, transaction.charging_state) == ("SuspendedEV", "X" * 32)


# -- the verdict of a repeated start -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "now", "is_unknown", "wanted"),
    [
        ("Accepted", Verdict.BLOCKED, False, Verdict.ACCEPTED),
        ("Blocked", Verdict.ACCEPTED, False, Verdict.BLOCKED),
        ("Invalid", Verdict.WRONG_PLACE, False, Verdict.WRONG_PLACE),
        ("Invalid", Verdict.NO_CREDIT, False, Verdict.NO_CREDIT),
        ("Invalid", Verdict.UNKNOWN, True, Verdict.UNKNOWN),
        ("Invalid", Verdict.ACCEPTED, True, Verdict.UNKNOWN),
        ("Invalid", Verdict.ACCEPTED, False, Verdict.INVALID),
        ("Accepted", Verdict.UNKNOWN, True, Verdict.ACCEPTED),
        ("ConcurrentTx", Verdict.ACCEPTED, False, Verdict.CONCURRENT),
    ],
)
def test_a_repeated_start_gets_the_first_verdict(
    stored: str, now: Verdict, is_unknown: bool, wanted: Verdict
) -> None:
    transaction = running(authorization_status=stored)

    assert events._as_answered(transaction, Decision(now, is_unknown=is_unknown)) is wanted


@pytest.mark.parametrize(
    ("token", "stop_token"), [(None, ""), (IdToken("CARD"), ""), (IdToken("OTHER"), "OTHER")]
)
def test_the_token_that_ends_a_session_is_stored_where_it_is_another(
    token: IdToken | None, stop_token: str
) -> None:
    station, transaction = a_station(), running()

    events._end(station, transaction, an_event(ENDED, token=token), Decision(Verdict.ACCEPTED))

    ((_, _, row),) = station.unit.updates
    assert (row["stop_id_token"], row["stop_reason"]) == (stop_token, "Local")
    assert row["stop_authorization_status"] == ("Accepted" if stop_token else "")


# -- restarts and gaps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "skew", "continues"),
    [
        (1, None, True),
        (0.01, None, True),
        (0.01, -60, True),
        (0, None, False),
        (-1, None, False),
        (1, 60, False),
        (1.1, 60, True),
        (1, -60, True),
    ],
)
def test_a_message_from_after_the_restart_continues_a_transaction(
    at: float, skew: float | None, continues: bool
) -> None:
    station, transaction = a_station(), running(interrupted_at=NOON)
    station.clock_skew_s = skew

    interruptions.note_activity(station, transaction, minutes(at), has_drawn=False)

    assert (transaction.interrupted_at is None) is continues


@pytest.mark.parametrize("has_drawn", [True, False])
def test_drawn_energy_proves_a_vehicle_at_a_connector_that_seemed_free(has_drawn: bool) -> None:
    transaction = running(suspect_reasons=["connector-available", "superseded"])

    interruptions.note_activity(a_station(), transaction, NOON, has_drawn=has_drawn)

    assert ("connector-available" in transaction.suspect_reasons) is not has_drawn
    assert "superseded" in transaction.suspect_reasons


def test_a_boot_marks_each_running_transaction_once() -> None:
    station = a_station()
    for one in (running(1000), running(1001, is_active=False), running(1002, interrupted_at=NOON)):
        station.transactions[one.id] = one

    interruptions.note_boot(station)

    assert [one.interrupted_at for one in station.transactions.values()] == [minutes(60), None, NOON]
    ((_, number, row),) = station.unit.updates
    assert (number, row["is_interrupted"]) == (1000, True)


def test_a_station_is_asked_about_a_gap_after_longer_and_longer_pauses() -> None:
    station, grace = a_station(), minutes(1) - NOON
    station.transactions[1000] = running(suspect_reasons=["events-missing: 2"])
    station.transactions[1001] = running(1001, suspect_reasons=["superseded"])

    asked = [minute for minute in range(60) if gaps.due(station, minutes(minute), grace)]

    assert asked == [1, 3, 7, 15]


@pytest.mark.parametrize(
    ("reasons", "queued", "ongoing", "wanted"),
    [
        (["events-missing: 2"], False, None, "events-lost: the station has nothing more to send"),
        (["start-missing"], False, True, "events-lost: the station has nothing more to send"),
        (["events-missing: 2"], False, False,
         "events-lost: the station has nothing more to send, and reports that the session has ended"),
        (["events-missing: 2"], True, None, None),
        (["superseded"], False, None, None),
    ],
)  # fmt: skip
async def test_events_are_lost_once_the_station_has_nothing_more_to_send(
    reasons: list[str], queued: bool, ongoing: bool | None, wanted: str | None
) -> None:
    station, transaction = a_station(), running(ocpp_id="T1", suspect_reasons=list(reasons))
    station.transactions[1000] = transaction

    await gaps.record_answer(station=station, ocpp_id="T1", has_queued_messages=queued, is_ongoing=ongoing)

    ended = ["session-unknown"] if ongoing is False else []
    assert transaction.suspect_reasons == [*reasons, *([wanted] if wanted else []), *ended]
    assert transaction.is_active is not bool(ended)
    assert (transaction.questions == gaps.MAX_REQUESTS) is not queued


def test_a_gap_that_was_settled_is_not_reported_again_by_the_next_event() -> None:
    transaction = with_events(0, 3)
    transaction.seq_types[4] = UPDATED

    assert events._renumber(transaction, an_event(seq_no=4)) == {}
    assert transaction.suspect_reasons == []


def test_at_most_ten_missing_numbers_are_named() -> None:
    transaction = with_events(0)
    transaction.seq_types[20] = UPDATED

    events._renumber(transaction, an_event(seq_no=20))

    assert transaction.suspect_reasons == ["events-missing: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"]
