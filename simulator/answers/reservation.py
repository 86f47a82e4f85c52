"""Reservations: create, cancel, expire."""

from typing import Any

from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers
from simulator.clock import parse_time
from simulator.connector import Connector, Reservation
from simulator.versions import V16, V21, V201


@answers("ReserveNow", V16)
def reserve_now_16(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    return _reserve(
        station,
        payload["connectorId"],
        payload["reservationId"],
        token=payload["idTag"],
        expiry=payload["expiryDate"],
        group=payload.get("parentIdTag"),
    )


@answers("ReserveNow", V201, V21)
def reserve_now_2(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    return _reserve(
        station,
        payload.get("evseId", 0),
        payload["id"],
        token=payload["idToken"]["idToken"],
        expiry=payload["expiryDateTime"],
        group=payload.get("groupIdToken", {}).get("idToken"),
    )


def _reserve(
    station: Any, number: int, reservation_id: int, *, token: str, expiry: str, group: str | None
) -> dict[str, Any] | Answer:
    """Create a reservation (1.6 section 5.13, 2.0.1 H01). One for the whole station takes the first free
    connector.
    """
    if station.misbehaviour.refuses_reservations:
        return {"status": station.misbehaviour.refuses_reservations}
    expires = parse_time(expiry)
    wanted = [one for one in station.connectors if number in (0, one.number)]
    if expires is None or expires <= station.clock.now() or not wanted:
        return REJECTED
    same = [one for one in station.connectors if one.reservation and one.reservation.id == reservation_id]
    free = [one for one in wanted if one.resting_status == "Available" and one.session is None]
    place = next(iter([one for one in same if one in wanted] or free), None)
    if place is None:
        return {"status": _why_not(wanted)}
    for old in same:
        old.reservation = None  # the same id replaces the reservation (1.6 section 5.13)
    reservation = Reservation(reservation_id, place.number, token, expires, group)
    place.reservation = reservation

    async def release_at_expiry() -> None:
        await station.set_status(place, place.resting_status)
        # Multiply by the speed to wait in real time: the expiry is a time of day.
        await station.clock.sleep((expires - station.clock.now()).total_seconds() * station.clock.speed)
        if place.reservation is reservation and not station.misbehaviour.keeps_reservations:
            await _release(station, place)
            await _update(station, reservation_id, "Expired")

    return ACCEPTED, release_at_expiry


def _why_not(connectors: list[Connector]) -> str:
    resting = {one.resting_status for one in connectors}
    if resting == {"Faulted"}:
        return "Faulted"
    return "Unavailable" if resting == {"Unavailable"} else "Occupied"


@answers("CancelReservation", V16, V201, V21)
def cancel_reservation(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    for connector in [] if station.misbehaviour.keeps_reservations else station.connectors:
        if connector.reservation and connector.reservation.id == payload["reservationId"]:
            connector.reservation = None

            async def show(connector: Connector = connector) -> None:
                await _release(station, connector)

            return ACCEPTED, show
    return REJECTED


async def _release(station: Any, connector: Connector) -> None:
    connector.reservation = None
    if connector.session is None:
        await station.set_status(connector, connector.resting_status)


async def remove(station: Any, connector: Connector) -> None:
    """End the reservation of a connector that is Faulted or Unavailable (1.6 section 5.13, 2.0.1 H01)."""
    held, connector.reservation = connector.reservation, None
    if held is not None:
        await _update(station, held.id, "Removed")


async def _update(station: Any, reservation_id: int, status: str) -> None:
    """Report the end of a reservation; 1.6 has no message for it."""
    if station.version != V16:
        await station.notify(
            "ReservationStatusUpdate", {"reservationId": reservation_id, "reservationUpdateStatus": status}
        )
