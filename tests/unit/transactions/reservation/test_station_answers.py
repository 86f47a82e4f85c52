"""Answers of stations to ReserveNow and CancelReservation: what is stored, held and announced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, Site
from chargepoints.tables import FOLLOW_UPS
from events.models import Event
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Reserving
from ocpp_server.protocol.versions import V16, V201
from tests.direct.accounts import a_token
from tests.direct.reservations import a_reservation
from tests.unit.chargepoints.in_memory import changed, events, handled, rows
from tests.unit.transactions.at_once import at_once, run_at_once
from transactions.handlers.reservation import (
    cancel_reservation,
    reservation_status_update,
    reserve_now,
    reserve_now_16,
)
from transactions.live.reservations import RESERVATIONS, held_of
from transactions.models import Reservation
from transactions.services.reservation import answers
from transactions.services.reservation.answers import Asked
from transactions.tables import RESERVATIONS as TABLE

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
REQUEST_16 = {
    "reservationId": 815,
    "connectorId": 2,
    "idTag": "CARD1234",
    "expiryDate": "2026-05-04T13:00:00Z",
}
REQUEST_2X = {
    "id": 815,
    "expiryDateTime": "2026-05-04T13:00:00Z",
    "idToken": {"idToken": "CARD1234", "type": "ISO14443"},
}
ACCEPTED = {"status": "Accepted"}


@pytest.fixture
def charger(monkeypatch: pytest.MonkeyPatch, db: None) -> Station:
    """A station at a site, whose message arrives at noon. The commands c-1 and c-2 are for it."""
    run_at_once(monkeypatch)
    site = Site.objects.create(name="Site")
    row = ChargePoint.objects.create(identity="CP-1", ocpp_version=V16, site=site)
    for name in ("c-1", "c-2"):
        Command.objects.create(
            id=name, charge_point=row, action="ReserveNow", payload={}, created_at=NOON, deadline_at=NOON
        )
    station = Station(pk=row.pk, identity="CP-1", version=V16)
    station.site_pk, station.received_at = site.pk, NOON
    return station


def stored(charger: Station, number: int = 815, **more: Any) -> Reservation:
    """A reservation of EVSE 2 until in an hour, held if the station has accepted it."""
    values = {"state": "accepted", "evse_number": 2, "id_token": "CARD1234", "expires_at": LATER, **more}
    row = a_reservation(ChargePoint.objects.get(pk=charger.pk), number, **values)
    if row.state == "accepted":
        RESERVATIONS.of(charger).add(held_of(row), NOON)
    return row


def numbers(charger: Station) -> list[int]:
    return [one.number for one in RESERVATIONS.of(charger).held]


def shown(number: int = 815, evse: int | None = 2, token: int | None = None, **more: Any) -> dict[str, Any]:
    """The data of an event."""
    return {
        "reservationId": number,
        "evseId": evse,
        "expiryDate": "2026-05-04T13:00:00.000Z",
        "idTag": "CARD••••",
        "tokenId": token,
        "requestId": "c-1",
        **more,
    }


# -- an acceptance -------------------------------------------------------------------------------------------


@at_once
async def test_an_accepted_request_of_1_6_is_stored_held_and_announced(charger: Station) -> None:
    token = a_token("card1234")

    await reserve_now_16(charger, {**REQUEST_16, "parentIdTag": "FAMILY"}, ACCEPTED, "c-1")

    row = Reservation.objects.get()
    assert (row.charge_point_id, row.number, row.evse_number) == (charger.pk, 815, 2)
    assert (row.id_token, row.id_token_type, row.token_id) == ("CARD1234", "", token.pk)
    assert (row.group_id, row.connector_type, row.command_id) == ("FAMILY", "", "c-1")
    assert (row.expires_at, row.requested_at, row.updated_at) == (LATER, NOON, NOON)
    assert row.state == "requested"  # the unit of the message accepts it
    assert changed(charger, TABLE) == {
        row.pk: {"state": "accepted", "reason": "", "accepted_at": NOON, "shown_at": None, "updated_at": NOON}
    }
    row.accepted_at = NOON
    assert RESERVATIONS.of(charger).held == [held_of(row)]
    assert events(charger) == [("reservation.created", shown(token=token.pk))]


@pytest.mark.parametrize(
    ("more", "evse", "kind", "group"),
    [
        ({}, None, "", ""),
        ({"evseId": 2}, 2, "", ""),
        ({"evseId": 0}, None, "", ""),
        ({"connectorType": "cCCS2"}, None, "cCCS2", ""),
        ({"groupIdToken": {"idToken": "FAMILY", "type": "Central"}}, None, "", "FAMILY"),
    ],
)
@at_once
async def test_an_accepted_request_of_2_x_may_leave_out_the_place(
    charger: Station, more: dict[str, Any], evse: int | None, kind: str, group: str
) -> None:
    await reserve_now(charger, {**REQUEST_2X, **more}, ACCEPTED, "c-1")

    row = Reservation.objects.get()
    assert (row.number, row.evse_number, row.connector_type, row.group_id) == (815, evse, kind, group)
    assert (row.id_token, row.id_token_type, row.expires_at) == ("CARD1234", "ISO14443", LATER)
    assert events(charger) == [("reservation.created", shown(evse=evse))]


@at_once
async def test_connector_0_of_1_6_is_any_evse(charger: Station) -> None:
    await reserve_now_16(charger, {**REQUEST_16, "connectorId": 0}, ACCEPTED, "c-1")

    row = Reservation.objects.get()
    assert (row.evse_number, row.group_id) == (None, "")


@at_once
async def test_long_texts_of_the_generic_command_are_cut_off(charger: Station) -> None:
    token = IdToken("i" * 300, "t" * 40)
    asked = Asked(815, 2, "c" * 60, token, "g" * 40, LATER)

    await answers.answered(station=charger, asked=asked, answer=Reserving.ACCEPTED, command_id="c-1")

    row = Reservation.objects.get()
    assert (row.id_token, row.id_token_type) == ("i" * 255, "t" * 32)
    assert (row.connector_type, row.group_id) == ("c" * 50, "g" * 36)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("requested", "requested"),
        ("unanswered", "unanswered"),
        ("accepted", "accepted"),
        ("refused", "requested"),
        ("expired", "requested"),
        ("ended", "requested"),
    ],
)
@at_once
async def test_the_same_number_replaces_a_reservation(charger: Station, state: str, expected: str) -> None:
    old = stored(charger, state=state, ended_at=NOON, evse_number=1, id_token="OLD")  # noqa: S106 - no secret

    await reserve_now_16(charger, REQUEST_16, ACCEPTED, "c-2")

    row = Reservation.objects.get()
    assert (row.pk, row.state, row.ended_at, row.command_id) == (old.pk, expected, None, "c-2")
    assert (row.evse_number, row.id_token) == (2, "CARD1234")
    assert changed(charger, TABLE)[row.pk]["state"] == "accepted"
    assert [(one.evse, one.id_token) for one in RESERVATIONS.of(charger).held] == [(2, "CARD1234")]


@pytest.mark.parametrize("state", ["accepted", "unanswered"])
@at_once
async def test_a_station_has_one_reservation_on_an_evse(charger: Station, state: str) -> None:
    before = NOON - timedelta(hours=1)
    replaced = stored(charger, 1, state=state, updated_at=before, command_id="c-1")
    others = [stored(charger, 2, evse_number=1), stored(charger, 3, evse_number=None)]
    over = stored(charger, 4, state="used")

    await reserve_now_16(charger, REQUEST_16, ACCEPTED, "c-2")

    replaced.refresh_from_db()
    assert (replaced.state, replaced.reason) == ("ended", "replaced")
    assert (replaced.ended_at, replaced.updated_at) == (NOON, NOON)
    event = Event.objects.get()
    assert (event.type, event.station, event.site_id) == ("reservation.failed", "CP-1", charger.site_pk)
    assert event.content == shown(1, reason="replaced")
    for row in (*others, over):
        state = row.state
        row.refresh_from_db()
        assert row.state == state
    assert numbers(charger) == [2, 3, 815]


@at_once
async def test_a_reservation_of_any_evse_replaces_none(charger: Station) -> None:
    for number, evse in ((1, 2), (2, None)):
        stored(charger, number, evse_number=evse)

    await reserve_now(charger, REQUEST_2X, ACCEPTED, "c-1")

    assert numbers(charger) == [1, 2, 815]
    assert Reservation.objects.live().count() == 3 and not Event.objects.exists()


@at_once
async def test_the_reservation_of_another_station_is_not_replaced(charger: Station) -> None:
    other = ChargePoint.objects.create(identity="CP-2", ocpp_version=V201)
    kept = a_reservation(other, 815, state="accepted", evse_number=2)

    await reserve_now_16(charger, REQUEST_16, ACCEPTED, "c-1")

    kept.refresh_from_db()
    assert kept.state == "accepted" and Reservation.objects.count() == 2


# -- a refusal -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("Faulted", "faulted"),
        ("Occupied", "occupied"),
        ("Unavailable", "unavailable"),
        ("Rejected", "rejected"),
        ("Nonsense", "rejected"),
    ],
)
@pytest.mark.parametrize("version", ["1.6", "2.x"])
@at_once
async def test_a_refused_request_is_stored_with_the_reason(
    charger: Station, word: str, reason: str, version: str
) -> None:
    if version == "1.6":
        await reserve_now_16(charger, REQUEST_16, {"status": word}, "c-1")
    else:
        await reserve_now(charger, {**REQUEST_2X, "evseId": 2}, {"status": word}, "c-1")

    row = Reservation.objects.get()
    assert (row.state, row.number, row.evse_number) == ("refused", 815, 2)
    assert changed(charger, TABLE) == {
        row.pk: {"state": "refused", "reason": reason, "ended_at": NOON, "updated_at": NOON}
    }
    assert numbers(charger) == []
    assert events(charger) == [("reservation.failed", shown(reason=reason))]


@at_once
async def test_a_refusal_leaves_the_others_of_the_evse(charger: Station) -> None:
    stored(charger, 1)

    await reserve_now_16(charger, REQUEST_16, {"status": "Occupied"}, "c-1")

    assert numbers(charger) == [1]
    assert set(Reservation.objects.values_list("number", "state")) == {(1, "accepted"), (815, "refused")}


@at_once
async def test_a_refused_replacement_leaves_the_reservation_before(charger: Station) -> None:
    old = stored(charger, command_id="c-1", expires_at=LATER + timedelta(hours=1))

    await reserve_now_16(charger, REQUEST_16, {"status": "Rejected"}, "c-2")

    row = Reservation.objects.get()
    assert (row.state, row.command_id, row.expires_at) == ("accepted", "c-1", old.expires_at)
    assert changed(charger, TABLE) == {} and numbers(charger) == [815]
    assert events(charger) == [
        ("reservation.failed", {**shown(reason="rejected"), "expiryDate": "2026-05-04T14:00:00.000Z"})
    ]


@pytest.mark.parametrize("state", ["requested", "unanswered", "refused"])
@at_once
async def test_a_refused_request_keeps_its_place_and_its_token(charger: Station, state: str) -> None:
    old = stored(charger, state=state, evse_number=1, id_token="OLD12345")  # noqa: S106 - no secret
    stored(charger, 816)  # of the EVSE that the generic command named

    await reserve_now_16(charger, REQUEST_16, {"status": "Occupied"}, "c-2")

    row = Reservation.objects.get(pk=old.pk)
    assert (row.state, row.evse_number, row.id_token) == (state, 1, "OLD12345")
    assert (row.command_id, row.updated_at) == ("c-2", NOON)
    columns = {"state": "refused", "reason": "occupied", "ended_at": NOON, "updated_at": NOON}
    assert changed(charger, TABLE) == {row.pk: columns} and numbers(charger) == [816]


@pytest.mark.parametrize("state", ["used", "cancelled", "expired", "ended"])
@at_once
async def test_a_refusal_does_not_change_a_reservation_that_is_over(charger: Station, state: str) -> None:
    row = stored(charger, state=state, reason="", command_id="c-1")

    await reserve_now_16(charger, REQUEST_16, {"status": "Occupied"}, "c-2")

    row.refresh_from_db()
    assert (row.state, row.command_id) == (state, "c-1") and changed(charger, TABLE) == {}
    assert [type for type, _ in events(charger)] == ["reservation.failed"]


@pytest.mark.parametrize(("number", "evse"), [(-1, None), (1, 1), (2**31 - 1, 2**31 - 1), (2**31, None)])
@at_once
async def test_a_number_that_no_evse_has_is_any_evse(charger: Station, number: int, evse: int | None) -> None:
    await reserve_now_16(charger, {**REQUEST_16, "connectorId": number}, ACCEPTED, "c-1")

    assert Reservation.objects.get().evse_number == evse


@pytest.mark.parametrize("word", ["Expired", "Vanished"])
@at_once
async def test_an_end_that_a_station_reports_is_stored_as_received(charger: Station, word: str) -> None:
    request = {"reservationId": 816, "reservationUpdateStatus": word}

    assert await handled(reservation_status_update, charger, "ReservationStatusUpdate", request) == {}

    (row,) = rows(charger, FOLLOW_UPS)
    assert (row["action"], row["request_id"], row["status"]) == ("ReservationStatusUpdate", 816, word)


# -- a cancellation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "state", "reason", "event"),
    [
        ("Accepted", "cancelled", "", ("reservation.cancelled", {})),
        ("Rejected", "ended", "unknown", ("reservation.failed", {"reason": "unknown"})),
    ],
)
@pytest.mark.parametrize("known", ["accepted", "unanswered"])
@at_once
async def test_the_answer_to_a_cancellation_ends_the_reservation(
    charger: Station, *, word: str, state: str, reason: str, event: tuple[str, dict[str, Any]], known: str
) -> None:
    row = stored(charger, state=known, command_id="c-1")

    await cancel_reservation(charger, {"reservationId": 815}, {"status": word}, "c-2")

    ended = {"state": state, "reason": reason, "ended_at": NOON, "updated_at": NOON}
    assert changed(charger, TABLE) == {row.pk: {**ended, "cancel_command_id": "c-2"}}
    assert numbers(charger) == []
    assert events(charger) == [(event[0], shown(**event[1]))]


@pytest.mark.parametrize("word", ["Accepted", "Rejected"])
@pytest.mark.parametrize("state", ["expired", "ended", "used", "cancelled"])
@at_once
async def test_a_cancellation_of_one_that_has_ended_is_only_connected(
    charger: Station, word: str, state: str
) -> None:
    row = stored(charger, state=state)

    await cancel_reservation(charger, {"reservationId": 815}, {"status": word}, "c-2")

    assert changed(charger, TABLE) == {row.pk: {"cancel_command_id": "c-2", "updated_at": NOON}}
    assert events(charger) == []


@at_once
async def test_a_cancellation_of_an_unknown_one_changes_nothing(charger: Station) -> None:
    stored(charger)

    await cancel_reservation(charger, {"reservationId": 816}, ACCEPTED, "c-2")

    assert charger.unit.updates == [] and numbers(charger) == [815]
