"""Messages of a station about its reservations, without a socket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server.protocol.versions import V16, V21, V201
from tests.direct.reservations import a_reservation
from tests.direct.station import DirectStation
from transactions.live.reservations import RESERVATIONS
from transactions.models import Reservation

pytestmark = pytest.mark.django_db(transaction=True)
ALL = pytest.mark.parametrize("version", [V16, V201, V21])


async def reserved(charger: DirectStation, run_orm: Any, number: int = 815, **more: Any) -> Reservation:
    """An accepted reservation of EVSE 1 for `CARD` until in an hour, which the station has loaded."""
    now = datetime.now(UTC)
    values = {
        "state": "accepted",
        "evse_number": 1,
        "id_token": "CARD",
        "requested_at": now - timedelta(hours=1),
        "accepted_at": now - timedelta(hours=1),
        "expires_at": now + timedelta(hours=1),
    }
    row: Reservation = await run_orm(
        lambda: a_reservation(ChargePoint.objects.get(pk=charger.pk), number, **(values | more))
    )
    await charger.reload()
    return row


async def state_of(row: Reservation, run_orm: Any) -> str:
    await run_orm(row.refresh_from_db)
    return row.state


@ALL
async def test_a_start_without_a_known_number_needs_the_token_of_the_reservation(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version, unknown_tokens="accept")
    row = await reserved(charger, run_orm)

    await charger.start("OTHER", evse=2)
    assert await state_of(row, run_orm) == "accepted"
    await charger.start("card", evse=1)

    assert await state_of(row, run_orm) == "used"
    assert RESERVATIONS.of(charger.station).held == []


@ALL
async def test_a_station_that_accepts_every_token_refuses_others_where_one_is_reserved(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version, unknown_tokens="accept")
    await reserved(charger, run_orm)

    refused = await charger.start("OTHER", evse=1)

    assert refused["status"] == ("Invalid" if version == V16 else "NotAtThisLocation")


@ALL
async def test_a_start_from_before_the_reservation_is_not_refused(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version, unknown_tokens="accept")
    row = await reserved(charger, run_orm)

    before = datetime.now(UTC) - timedelta(hours=2)
    started = await charger.start("OTHER", evse=1, at=before, offline=True)

    assert started["status"] == "Accepted"
    assert await state_of(row, run_orm) == "accepted"


@ALL
async def test_a_start_of_any_evse_uses_that_of_its_evse_first(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version, unknown_tokens="accept")
    anywhere = await reserved(charger, run_orm, 1, evse_number=None)
    here = await reserved(charger, run_orm, 2)

    await charger.start("CARD", evse=1)

    assert [await state_of(row, run_orm) for row in (anywhere, here)] == ["accepted", "used"]


@pytest.mark.parametrize("state", ["refused", "unanswered", "expired", "ended", "cancelled"])
@ALL
async def test_a_start_that_names_a_reservation_has_used_it(
    station: Any, run_orm: Any, version: str, state: str
) -> None:
    charger = await station(version, unknown_tokens="accept")
    row = await reserved(charger, run_orm, state=state)

    await charger.start("OTHER", evse=1, reservation=815)

    assert await state_of(row, run_orm) == "used"


@ALL
async def test_the_reservation_of_another_station_is_not_found(
    station: Any, run_orm: Any, version: str
) -> None:
    charger, other = await station(version, unknown_tokens="accept"), await station(version, "CP-2")
    row = await reserved(other, run_orm)

    await charger.start("CARD", evse=1, reservation=815)

    assert await state_of(row, run_orm) == "accepted"


@ALL
async def test_a_status_after_the_expiry_is_only_shown(station: Any, run_orm: Any, version: str) -> None:
    charger = await station(version)
    now = datetime.now(UTC)
    row = await reserved(charger, run_orm, expires_at=now - timedelta(minutes=2), shown_at=now)

    for word in ("Reserved", "Available", "Faulted"):
        await charger.status(word)

    assert await state_of(row, run_orm) == "accepted"  # the job ends it


@ALL
async def test_any_evse_is_lost_only_with_the_last_one(station: Any, run_orm: Any, version: str) -> None:
    charger = await station(version)
    await charger.status("Available", 1)
    await charger.status("Available", 2)
    row = await reserved(charger, run_orm, evse_number=None)

    await charger.status("Faulted", 1)
    assert await state_of(row, run_orm) == "accepted"
    await charger.status("Unavailable", 2)

    assert (await state_of(row, run_orm), row.reason) == ("ended", "unavailable")


@ALL
async def test_reserved_is_noted_once(station: Any, run_orm: Any, version: str) -> None:
    charger = await station(version)
    row = await reserved(charger, run_orm)

    await charger.status("Reserved")
    await run_orm(row.refresh_from_db)
    first = row.shown_at
    await charger.status("Reserved")
    await run_orm(row.refresh_from_db)

    assert first is not None and row.shown_at == first


async def test_an_unknown_end_of_a_reservation_is_only_stored(station: Any, run_orm: Any) -> None:
    charger = await station(V201)
    row = await reserved(charger, run_orm)

    for number, word in ((816, "Expired"), (815, "Vanished")):
        update = {"reservationId": number, "reservationUpdateStatus": word}
        await charger.call("ReservationStatusUpdate", update)

    assert await state_of(row, run_orm) == "accepted"
