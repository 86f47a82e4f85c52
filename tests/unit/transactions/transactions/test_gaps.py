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
