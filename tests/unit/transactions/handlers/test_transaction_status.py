"""The answer to GetTransactionStatus, and what a station tells about its reservations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Command, FollowUp
from ocpp_server.protocol.versions import V21, V201
from tests.direct.station import DirectStation
from transactions.handlers.transactions import transaction_status

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC).replace(microsecond=0)


async def with_a_gap(station: Any) -> DirectStation:
    charger: DirectStation = await station(V201)
    await charger.event("Started", "T-1", seq_no=0, at=NOW - timedelta(minutes=9), evse=1)
    await charger.event("Updated", "T-1", seq_no=2, at=NOW - timedelta(minutes=5))
    return charger


async def reasons(charger: DirectStation, request: dict[str, Any], **response: Any) -> list[str]:
    """The suspicions about the session after this answer."""
    await transaction_status(charger.station, request, response, "c-1")
    live = charger.live({"transaction": "T-1"})
    assert live is not None
    return [reason for reason in live.suspect_reasons if reason.startswith("events-lost")]


LOST = "events-lost: the station has nothing more to send"


@pytest.mark.parametrize(
    ("response", "wanted"),
    [
        ({"messagesInQueue": True}, []),
        ({"messagesInQueue": False}, [LOST]),
        ({"messagesInQueue": False, "ongoingIndicator": True}, [LOST]),
        (
            {"messagesInQueue": False, "ongoingIndicator": False},
            [f"{LOST}, and reports that the session has ended"],
        ),
    ],
)
async def test_a_station_without_queued_messages_has_lost_the_missing_events(
    station: Any, response: dict[str, bool], wanted: list[str]
) -> None:
    charger = await with_a_gap(station)

    assert await reasons(charger, {"transactionId": "T-1"}, **response) == wanted


async def test_an_answer_about_another_session_or_the_whole_queue_says_nothing_about_this_one(
    station: Any,
) -> None:
    charger = await with_a_gap(station)

    assert await reasons(charger, {"transactionId": "T-2"}, messagesInQueue=False) == []
    assert await reasons(charger, {}, messagesInQueue=False) == []


@pytest.mark.parametrize("version", [V201, V21])
async def test_a_change_of_a_reservation_is_stored_with_the_command_that_made_it(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version)
    await run_orm(
        Command.objects.create,
        id="c-1",
        charge_point_id=charger.pk,
        action="ReserveNow",
        payload={"id": 7},
        state=Command.State.ACCEPTED,
        created_at=NOW,
        deadline_at=NOW,
    )

    answer = await charger.call(
        "ReservationStatusUpdate", {"reservationId": 7, "reservationUpdateStatus": "Expired"}
    )

    row = await run_orm(FollowUp.objects.get)
    assert answer[2] == {}
    assert (row.action, row.request_id, row.status) == ("ReservationStatusUpdate", 7, "Expired")
    assert row.command_id == "c-1"
