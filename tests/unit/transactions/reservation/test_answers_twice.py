"""The result of an answer to ReserveNow at the commit: the same when it is written twice, and confirmed."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Reserving
from ocpp_server.storage.unit import Unit
from ocpp_server.storage.writes import ResultChanged
from tests.unit.transactions.at_once import at_once
from tests.unit.transactions.reservation.test_station_answers import LATER, NOON, charger, stored
from transactions.models import Reservation
from transactions.services.reservation import answers
from transactions.services.reservation.answers import Asked

pytestmark = pytest.mark.django_db
__all__ = ["charger"]


@pytest.mark.parametrize("answer", [Reserving.ACCEPTED, Reserving.FAULTED])
@pytest.mark.parametrize("before", [None, "requested", "accepted", "ended"])
def test_an_answer_that_is_written_twice_has_the_same_result(
    charger: Station, answer: Reserving, before: str | None
) -> None:
    if before:
        stored(charger, state=before)
    asked = Asked(815, 2, "", IdToken("CARD1234", "ISO14443"), "", LATER)
    is_accepted = answer is Reserving.ACCEPTED
    key = answers._key_of(charger.pk, 815)
    first = answers._claim(charger.pk, asked, "c-1", NOON, is_accepted, key=key)
    # The rest of the unit of work, as `answered` adds it.
    if is_accepted:
        Reservation.objects.update(state="accepted", accepted_at=NOON, shown_at=None)
    elif not first[1]:
        Reservation.objects.update(state="refused", ended_at=NOON)

    assert answers._claim(charger.pk, asked, "c-1", NOON, is_accepted, key=key) == first


@at_once
async def test_an_answer_is_refused_when_its_reservation_has_changed_before_the_commit(
    charger: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions: list[Any] = []
    monkeypatch.setattr(Unit, "run", lambda _unit, function: functions.append(function))
    asked = Asked(815, 2, "", IdToken("CARD1234", "ISO14443"), "", LATER)
    await answers.answered(station=charger, asked=asked, answer=Reserving.ACCEPTED, command_id="c-1")

    stored(charger, state="requested")  # under another key

    (claim,) = functions
    with pytest.raises(ResultChanged):
        claim()
