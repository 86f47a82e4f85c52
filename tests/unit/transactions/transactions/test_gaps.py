"""Questions to a station about missing events, and what its answer means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ocpp_server.protocol.versions import V201
from tests.direct.station import DirectStation
from tests.unit.transactions.transactions.live_station import minutes, running, with_transactions
from transactions.services.transactions import gaps

GRACE = timedelta(minutes=1)
GAP = ["events-missing: 2"]


def test_every_transaction_with_a_gap_is_asked_about_and_no_other() -> None:
    station = with_transactions(
        running(1000, suspect_reasons=["superseded"]),
        running(1001, suspect_reasons=GAP, last_message_at=minutes(30)),
        running(1002, suspect_reasons=GAP),
        running(1003, suspect_reasons=GAP, questions=gaps.MAX_REQUESTS),
        running(1004, suspect_reasons=["start-missing: a: b"]),
    )

    found = gaps.due(station, minutes(1), GRACE)

    assert [(one.id, one.questions, one.asked_at) for one in found] == [
        (1002, 1, minutes(1)),
        (1004, 1, minutes(1)),
    ]


def test_four_questions_are_asked_each_after_twice_the_pause() -> None:
    transaction = running(suspect_reasons=GAP)
    station = with_transactions(transaction)

    asked = [half for half in range(120) if gaps.due(station, minutes(half / 2), GRACE)]

    assert asked == [2 * minute for minute in (1, 3, 7, 15)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_queued_messages", [False, True])
async def test_an_answer_about_a_transaction_that_is_no_longer_in_memory_is_stored(
    station: Any, has_queued_messages: bool
) -> None:
    charger: DirectStation = await station(V201)
    await charger.event("Updated", "T1", seq_no=1, evse=1)
    charger.station.transactions.clear()

    await gaps.record_answer(
        station=charger.station, ocpp_id="T1", has_queued_messages=has_queued_messages, is_ongoing=None
    )
    await charger.boot()  # commits

    (row,) = await charger.sessions()
    assert ("events-lost" in " ".join(row.suspect_reasons)) is not has_queued_messages


@pytest.mark.django_db(transaction=True)
async def test_an_answer_about_an_unknown_transaction_changes_nothing(engine: None) -> None:
    station = with_transactions(running(suspect_reasons=list(GAP)))

    for has_queued_messages in (False, True):
        await gaps.record_answer(
            station=station, ocpp_id="T9", has_queued_messages=has_queued_messages, is_ongoing=None
        )

    assert station.transactions[1000].suspect_reasons == GAP


def test_after_a_reconnect_open_sessions_are_asked_about_until_the_station_mentions_them() -> None:
    station = with_transactions(
        running(1000),
        running(1001, last_message_at=minutes(31)),
        running(1002, is_active=False),
        running(1003, confirmed_at=minutes(31)),
        running(1004, confirmed_at=minutes(-1)),
    )
    station.connected_at = minutes(30)

    assert gaps.due(station, minutes(30.9), GRACE) == []
    assert [one.id for one in gaps.due(station, minutes(31), GRACE)] == [1000, 1004]
    assert gaps.due(station, minutes(32.9), GRACE) == []
    assert [one.id for one in gaps.due(station, minutes(33), GRACE)] == [1000, 1004]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("answer", "ended_by"),
    [
        ((False, False), "lost"),
        ((True, False), ""),
        ((False, True), ""),
        ((False, None), ""),
    ],
    ids=["gone", "queued", "ongoing", "not said"],
)
async def test_a_session_ends_only_if_it_is_gone_and_nothing_is_queued(
    station: Any, answer: tuple[bool, bool | None], ended_by: str
) -> None:
    charger: DirectStation = await station(V201)
    await charger.event("Started", "T1", seq_no=0, evse=1)
    queued, ongoing = answer

    await gaps.record_answer(
        station=charger.station, ocpp_id="T1", has_queued_messages=queued, is_ongoing=ongoing
    )
    await charger.boot()  # commits

    (row,) = await charger.sessions()
    assert (row.ended_by, row.suspect) == (ended_by, bool(ended_by))
    if ended_by:
        assert row.suspect_reasons == ["session-unknown", "meter-stop-missing"]  # it has no reading
