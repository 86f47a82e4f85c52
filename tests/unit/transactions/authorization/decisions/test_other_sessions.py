"""The other sessions of a token and of its group, which a start replaces or is refused for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place, Verdict
from tests.unit.transactions.authorization.decisions.memory import NOON, Stored, a_session, a_station, present
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision


async def start(station: Station, place: Place | None) -> Verdict:
    decision: Decision = await present(station, purpose=Purpose.START, place=place)
    return decision.verdict


async def test_only_a_session_on_the_same_evse_of_the_same_station_is_replaced(
    token: Any, stored: Stored
) -> None:
    token()
    here, there = a_station(), a_station(2)
    a_session(here, stored)

    assert await start(here, Place(1, 1)) is Verdict.ACCEPTED
    assert await start(here, Place(2, 1)) is Verdict.CONCURRENT
    assert await start(here, None) is Verdict.CONCURRENT
    assert await start(there, Place(1, 1)) is Verdict.CONCURRENT
    assert (await present(there)).verdict is Verdict.ACCEPTED
    assert (await present(there, purpose=Purpose.STOP)).verdict is Verdict.ACCEPTED


async def test_sessions_at_once_may_be_allowed(token: Any, stored: Stored, settings: Any) -> None:
    settings.OCPP_CONCURRENT_TX = "allow"
    token()
    a_session(a_station(2), stored)

    assert await start(a_station(), Place(1, 1)) is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("limit", "group", "verdict"),
    [
        (0, "FAMILY", Verdict.ACCEPTED),
        (1, "family", Verdict.CONCURRENT),
        (2, "FAMILY", Verdict.ACCEPTED),
        (1, "OTHERS", Verdict.ACCEPTED),
        (1, "", Verdict.ACCEPTED),
    ],
)
async def test_the_sessions_of_a_group_are_limited(
    token: Any, stored: Stored, settings: Any, *, limit: int, group: str, verdict: Verdict
) -> None:
    settings.OCPP_CONCURRENT_TX = "allow"
    settings.OCPP_GROUP_CONCURRENT_TX = limit
    token(group_id=group)
    a_session(a_station(2), stored, token_key="sister", group_id="FAMILY")
    a_session(a_station(3), stored, token_key="single", group_id="")

    assert await start(a_station(), Place(1, 1)) is verdict


async def test_the_session_of_a_group_that_a_start_replaces_does_not_count(
    token: Any, stored: Stored, settings: Any
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = 1
    token(group_id="FAMILY")
    station = a_station()
    a_session(station, stored, token_key="sister", group_id="FAMILY")

    assert await start(station, Place(1, 1)) is Verdict.ACCEPTED
    assert await start(station, Place(2, 1)) is Verdict.CONCURRENT


async def test_a_token_that_charges_elsewhere_is_the_reason_before_its_group(
    token: Any, stored: Stored, settings: Any
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = 1
    token(group_id="FAMILY")
    a_session(a_station(2), stored, group_id="FAMILY")

    decision = await present(a_station(), purpose=Purpose.START, place=Place(1, 1))

    assert decision.reason == "The token is already charging at CP-2."


async def test_a_session_counts_at_the_moment_the_message_was_received(token: Any, stored: Stored) -> None:
    """A message may wait for long in a queue."""
    token()
    a_session(a_station(2), stored)
    station = a_station()

    for hours, verdict in ((24, Verdict.CONCURRENT), (25, Verdict.ACCEPTED)):
        station.received_at = NOON + timedelta(hours=hours)
        assert await start(station, Place(1, 1)) is verdict
