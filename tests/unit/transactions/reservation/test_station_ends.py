"""Ends of reservations that a station shows or reports, and the starts that use them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command
from ocpp_server.live.records import ConnectorState
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16
from tests.direct.reservations import a_reservation
from tests.unit.chargepoints.in_memory import changed, events, handled
from tests.unit.transactions.at_once import at_once, run_at_once
from tests.unit.transactions.transactions.live_station import running
from transactions.handlers import reservation as handlers
from transactions.live.reservations import RESERVATIONS, held_of
from transactions.models import Reservation
from transactions.services.reservation import ending
from transactions.tables import RESERVATIONS as TABLE

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
MINUTE, MOMENT = timedelta(seconds=60), timedelta(microseconds=1)


@pytest.fixture
def charger(monkeypatch: pytest.MonkeyPatch, db: None) -> Station:
    """A station with the connectors of EVSE 1 and 2, which are Available. Its message arrives at noon."""
    run_at_once(monkeypatch)
    row = ChargePoint.objects.create(identity="CP-1", ocpp_version=V16)
    station = Station(pk=row.pk, identity="CP-1", version=V16)
    station.received_at = NOON
    for evse in (1, 2):
        station.connectors[evse, 1] = ConnectorState(
            pk=evse, evse=evse, number=1, status="Available", reported_at=NOON - MINUTE
        )
    return station


def a_command(charger: Station, name: str = "c-1", action: str = "ReserveNow", **more: Any) -> str:
    values: dict[str, Any] = {"payload": {}, "created_at": NOON, "deadline_at": NOON, **more}
    Command.objects.create(id=name, charge_point_id=charger.pk, action=action, **values)
    return name


def held(charger: Station, number: int = 815, **more: Any) -> Reservation:
    """A reservation of EVSE 1 for CARD from eleven until one o'clock."""
    usual: dict[str, Any] = {"state": "accepted", "evse_number": 1, "id_token": "CARD", "expires_at": LATER}
    usual |= {"requested_at": NOON - 2 * MINUTE, "accepted_at": NOON - MINUTE}
    row = a_reservation(ChargePoint.objects.get(pk=charger.pk), number, **(usual | more))
    if row.state == "accepted":
        RESERVATIONS.of(charger).add(held_of(row), NOON - MINUTE)
    return row


def report(charger: Station, word: str, evse: int = 1) -> None:
    """The connector has this status since the present message."""
    connector = charger.connectors[evse, 1]
    connector.status, connector.reported_at = word, charger.received_at


def ended(charger: Station, row: Reservation) -> tuple[str, str] | None:
    """The state and the reason that the message stores, None when the reservation stays."""
    columns = changed(charger, TABLE).get(row.pk, {})
    is_held = any(one.number == row.number for one in RESERVATIONS.of(charger).held)
    assert ("state" in columns) is not is_held
    if is_held:
        return None
    assert (columns["ended_at"], columns["updated_at"]) == (charger.received_at, charger.received_at)
    return columns["state"], columns["reason"]


def types(charger: Station) -> list[str]:
    return [type for type, _ in events(charger)]


def status_16(evse: int, word: str) -> dict[str, Any]:
    return {"connectorId": evse, "status": word, "errorCode": "NoError"}


def status_2x(evse: int, word: str) -> dict[str, Any]:
    return {"evseId": evse, "connectorId": 1, "connectorStatus": word}


# -- statuses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "reason"), [("Faulted", "faulted"), ("Unavailable", "unavailable")])
@at_once
async def test_a_connector_that_is_out_ends_its_reservation(charger: Station, word: str, reason: str) -> None:
    here, there = held(charger, 1), held(charger, 2, evse_number=2)
    report(charger, word)

    await handlers.connector_reported(charger, status_2x(1, word))

    assert ended(charger, here) == ("ended", reason) and ended(charger, there) is None
    ((type, data),) = events(charger)
    assert (type, data["reservationId"], data["reason"]) == ("reservation.failed", 1, reason)


@at_once
async def test_a_connector_that_was_out_before_ends_nothing_now(charger: Station) -> None:
    row = held(charger)
    charger.connectors[1, 1].status = "Faulted"
    report(charger, "Faulted", evse=2)

    await handlers.connector_reported_16(charger, status_16(2, "Faulted"))

    assert ended(charger, row) is None


@pytest.mark.parametrize(("word", "reason"), [("Faulted", "faulted"), ("Unavailable", "unavailable")])
@pytest.mark.parametrize("version", ["1.6", "2.x"])
@at_once
async def test_a_whole_station_that_is_out_ends_all(
    charger: Station, word: str, reason: str, version: str
) -> None:
    rows = [held(charger, 1), held(charger, 2, evse_number=2), held(charger, 3, evse_number=None)]

    if version == "1.6":
        await handlers.connector_reported_16(charger, status_16(0, word))
    else:
        await handlers.connector_reported(charger, status_2x(0, word))

    assert [ended(charger, row) for row in rows] == [("ended", reason)] * 3


@pytest.mark.parametrize("handler", [handlers.connector_reported_16, handlers.connector_reported])
@at_once
async def test_a_whole_station_that_is_available_ends_none(charger: Station, handler: Any) -> None:
    row = held(charger, shown_at=NOON)
    spelled = (status_16 if handler is handlers.connector_reported_16 else status_2x)(0, "Available")

    await handler(charger, spelled)

    assert ended(charger, row) is None and charger.unit.updates == []


@pytest.mark.parametrize("is_followed", [True, False])
@at_once
async def test_reserved_shows_the_reservation_once(charger: Station, is_followed: bool) -> None:
    row = held(charger, command_id=a_command(charger) if is_followed else None)
    report(charger, "Reserved")

    for _ in range(2):
        await handlers.connector_reported(charger, status_2x(1, "Reserved"))

    assert charger.unit.updates == [(TABLE, row.pk, {"shown_at": NOON, "updated_at": NOON})]
    seen = ("effect.seen", {"requestId": "c-1", "effect": "connector-reserved"})
    assert events(charger) == ([seen] if is_followed else [])
    assert RESERVATIONS.of(charger).held[0].is_shown


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"shown_at": NOON}, ("ended", "released")),
        ({}, None),  # not Reserved yet: the status was on its way
        ({"shown_at": NOON, "evse_number": None}, None),  # one of any EVSE may move
        ({"shown_at": NOON, "evse_number": 2}, None),
        ({"shown_at": NOON, "expires_at": NOON + MINUTE}, ("expired", "")),
        ({"shown_at": NOON, "expires_at": NOON + MINUTE + MOMENT}, ("ended", "released")),
    ],
)
@at_once
async def test_available_after_reserved_ends_a_reservation_in_1_6(
    charger: Station, more: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    row = held(charger, **more)
    report(charger, "Available")

    await handlers.connector_reported_16(charger, status_16(1, "Available"))

    assert ended(charger, row) == expected
    type = {"ended": "reservation.failed", "expired": "reservation.expired"}
    assert types(charger) == ([type[expected[0]]] if expected else [])


@pytest.mark.parametrize("word", ["Preparing", "Charging", "Occupied"])
@at_once
async def test_another_status_after_reserved_ends_nothing(charger: Station, word: str) -> None:
    row = held(charger, shown_at=NOON)
    report(charger, word)

    await handlers.connector_reported_16(charger, status_16(1, word))
    assert ended(charger, row) is None


@at_once
async def test_another_connector_of_the_evse_may_still_be_reserved(charger: Station) -> None:
    row = held(charger, shown_at=NOON)
    charger.connectors[1, 2] = ConnectorState(pk=9, evse=1, number=2, status="Reserved", reported_at=LATER)
    report(charger, "Available")

    await handlers.connector_reported_16(charger, status_16(1, "Available"))

    assert ended(charger, row) is None


@pytest.mark.parametrize("handler", [handlers.connector_reported, handlers.connectors_reported])
@at_once
async def test_a_2_x_station_sends_the_end_itself(charger: Station, handler: Any) -> None:
    row = held(charger, shown_at=NOON)
    report(charger, "Available")

    await handler(charger, status_2x(1, "Available"))

    assert ended(charger, row) is None


@at_once
async def test_a_notified_event_can_end_a_reservation(charger: Station) -> None:
    row = held(charger)
    report(charger, "Faulted")

    await handlers.connectors_reported(charger, {"eventData": []})
    assert ended(charger, row) == ("ended", "faulted")


@pytest.mark.parametrize(
    ("command", "is_waiting"),
    [
        ({"state": "sent", "payload": {"reservationId": 815}}, True),
        ({"state": "queued", "payload": {"reservationId": 815}}, True),
        ({"state": "accepted", "payload": {"reservationId": 815}}, False),
        ({"state": "sent", "payload": {"reservationId": 816}}, False),
        ({"state": "sent", "payload": {"reservationId": 815}, "action": "ReserveNow"}, False),
    ],
)
@at_once
async def test_a_status_before_the_answer_to_a_cancellation_is_no_end(
    charger: Station, command: dict[str, Any], is_waiting: bool
) -> None:
    row = held(charger, shown_at=NOON)
    a_command(charger, **{"action": "CancelReservation", **command})
    report(charger, "Available")

    await handlers.connector_reported_16(charger, status_16(1, "Available"))

    assert ended(charger, row) == (None if is_waiting else ("ended", "released"))


@pytest.mark.parametrize(("after", "is_ended"), [(MINUTE - MOMENT, True), (MINUTE, False)])
@at_once
async def test_a_status_long_after_the_expiry_ends_nothing(
    charger: Station, after: timedelta, is_ended: bool
) -> None:
    row = held(charger, expires_at=NOON)
    charger.received_at = NOON + after
    report(charger, "Faulted")

    await handlers.connector_reported_16(charger, status_16(1, "Faulted"))

    assert ended(charger, row) == (("ended", "faulted") if is_ended else None)


# -- ReservationStatusUpdate ---------------------------------------------------------------------------------


async def updated(charger: Station, word: str) -> Any:
    action, request = "ReservationStatusUpdate", {"reservationId": 815, "reservationUpdateStatus": word}
    return await handled(handlers.reservation_status_update, charger, action, request)


@pytest.mark.parametrize("state", ["accepted", "unanswered"])
@pytest.mark.parametrize(
    ("word", "expected", "type"),
    [
        ("Expired", ("expired", ""), "reservation.expired"),
        ("Removed", ("ended", "removed"), "reservation.failed"),
        ("NoTransaction", ("ended", "no-transaction"), "reservation.failed"),
    ],
)
@at_once
async def test_a_station_reports_the_end(
    charger: Station, *, state: str, word: str, expected: tuple[str, str], type: str
) -> None:
    row = held(charger, state=state)
    request = {"reservationId": 815, "reservationUpdateStatus": word}

    assert (
        await handled(handlers.reservation_status_update, charger, "ReservationStatusUpdate", request) == {}
    )

    assert ended(charger, row) == expected and types(charger) == [type]


@pytest.mark.parametrize("word", ["Expired", "Removed", "NoTransaction"])
@pytest.mark.parametrize("state", ["used", "cancelled", "expired", "ended", "refused"])
@at_once
async def test_the_end_of_one_that_has_ended_changes_nothing(charger: Station, word: str, state: str) -> None:
    held(charger, state=state)

    await updated(charger, word)

    assert changed(charger, TABLE) == {} and types(charger) == []


# -- starts --------------------------------------------------------------------------------------------------


@at_once
async def test_a_start_that_names_its_reservation_uses_it(charger: Station) -> None:
    row = held(charger)

    await ending.use(charger, running(1000, id_token="OTHER", token_key="other"), number=815)  # noqa: S106

    assert ended(charger, row) == ("used", "")
    assert changed(charger, TABLE)[row.pk]["transaction_id"] == 1000
    ((type, data),) = events(charger)
    assert (type, data["reservationId"], data["transactionId"]) == ("reservation.used", 815, 1000)


@at_once
async def test_a_reservation_is_used_once_although_later_events_name_it(charger: Station) -> None:
    held(charger)

    for _ in range(2):
        await ending.use(charger, running(1000), number=815)

    assert types(charger) == ["reservation.used"]


@pytest.mark.parametrize(("state", "is_used"), [("used", False), ("expired", True), ("unanswered", True)])
@at_once
async def test_one_that_has_ended_here_was_used_nevertheless(
    charger: Station, state: str, is_used: bool
) -> None:
    row = held(charger, state=state)

    await ending.use(charger, running(1000), number=815)

    assert changed(charger, TABLE).get(row.pk, {}).get("state") == ("used" if is_used else None)
    assert types(charger) == (["reservation.used"] if is_used else [])


@at_once
async def test_an_unknown_number_is_looked_up_once(charger: Station) -> None:
    await ending.use(charger, running(1000), number=815)
    held(charger, state="unanswered")

    await ending.use(charger, running(1000), number=815)

    assert RESERVATIONS.of(charger).looked_up == {815} and charger.unit.updates == []


@pytest.mark.parametrize(
    ("at", "is_used"),
    [
        (NOON - MINUTE - MOMENT, False),
        (NOON - MINUTE, True),
        (LATER + MINUTE - MOMENT, True),
        (LATER + MINUTE, False),
    ],
)
@at_once
async def test_a_start_without_the_number_uses_one_of_its_time(
    charger: Station, at: datetime, is_used: bool
) -> None:
    row = held(charger)

    await ending.use(charger, running(1000), number=None, at=at)

    assert ended(charger, row) == (("used", "") if is_used else None)


@pytest.mark.parametrize(
    ("session", "is_used"),
    [
        ({}, True),
        ({"id_token": "", "token_key": "card"}, False),
        ({"authorization_status": "Invalid"}, False),
        ({"authorization_status": ""}, False),
        ({"id_token": "OTHER", "token_key": "other"}, False),
        ({"id_token": "OTHER", "token_key": "other", "group_id": "family"}, True),
        ({"evse": 2}, False),
    ],
)
@at_once
async def test_a_start_without_the_number_needs_its_token_and_place(
    charger: Station, session: dict[str, Any], is_used: bool
) -> None:
    row = held(charger, group_id="FAMILY")

    await ending.use(charger, running(1000, **session), number=None)

    assert ended(charger, row) == (("used", "") if is_used else None)


@at_once
async def test_the_lowest_number_is_used_first(charger: Station) -> None:
    rows = [held(charger, number, evse_number=None) for number in (9, 8)]

    await ending.use(charger, running(1000), number=None)

    assert [ended(charger, row) for row in rows] == [None, ("used", "")]
