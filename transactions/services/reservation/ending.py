"""Ends of reservations in messages: a session, a cancellation, a fault, an expiry (1.6 5.13; 2.0.1 H)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from chargepoints.models import Command, Connector
from ocpp_server.events.catalogue import charging, reservations
from ocpp_server.live.records import ConnectorState, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.storage.journal import journal
from transactions.live.reservations import RESERVATIONS, Held, held_of
from transactions.models import Reservation
from transactions.models.reservation import EXPIRY_GRACE
from transactions.services.reservation import announcing
from transactions.tables import RESERVATIONS as TABLE

State, Reason = Reservation.State, Reservation.Reason
# The statuses that end a reservation.
_OUT: Final = {
    Connector.Status.FAULTED.value: Reason.FAULTED,
    Connector.Status.UNAVAILABLE.value: Reason.UNAVAILABLE,
}
_RESERVED: Final = Connector.Status.RESERVED.value
_FREE: Final = Connector.Status.AVAILABLE.value
# The effect of a reservation, in events.
_SHOWN: Final = "connector-reserved"


async def use(
    station: Station,
    transaction: TransactionState,
    *,
    number: int | None,
    at: datetime | None = None,
) -> None:
    """End the reservation with which a session began: the one that the station names, else one of the
    session's token at its place. `at` is the time of a start that waited in the station's queue.

    A station may name a reservation that has ended here: a start that waited in its queue proves that it was
    used nevertheless.
    """
    state = RESERVATIONS.of(station)
    held = (
        state.named(number)
        if number is not None
        else _of_token(state.held, transaction, at or station.received_at)
    )
    if held is None and number is not None and number not in state.looked_up:
        state.remember(number)
        row = await journal.run(find, station.pk, number)
        held = None if row is None or row.state == State.USED else held_of(row)
    if held is None:
        return
    _end(station, held, State.USED, transaction_id=transaction.id)
    state.remember(held.number)  # the next event of the session may name it too
    announcing.emit(station, reservations.USED, held, transactionId=transaction.id)


def _of_token(held: list[Held], transaction: TransactionState, at: datetime) -> Held | None:
    """The reservation that this start uses without its number. That of the EVSE comes first."""
    if not transaction.id_token or transaction.authorization_status != "Accepted":
        return None
    fitting = [
        one
        for one in held
        if one.evse in (None, transaction.evse)
        and one.since <= at < one.expires_at + EXPIRY_GRACE
        and one.admits(transaction.token_key, transaction.group_id)
    ]
    return min(fitting, key=lambda one: (one.evse is None, one.number), default=None)


async def cancelled(*, station: Station, number: int, is_accepted: bool, command_id: str) -> None:
    """Apply the answer to a cancellation. A station that refuses it has no such reservation: it has ended."""
    held, is_live = await _find_live(station, number)
    if held is None:
        return
    if not is_live:
        station.unit.update(TABLE, held.pk, cancel_command_id=command_id, updated_at=station.received_at)
    elif is_accepted:
        _end(station, held, State.CANCELLED, cancel_command_id=command_id)
        announcing.emit(station, reservations.CANCELLED, held)
    else:
        _fail(station, held, Reason.UNKNOWN, cancel_command_id=command_id)


async def expired(*, station: Station, number: int) -> None:
    """The station reports that a reservation has expired (2.0.1 H04)."""
    held, is_live = await _find_live(station, number)
    if held is not None and is_live:
        _expire(station, held)


async def removed(*, station: Station, number: int, reason: Reservation.Reason) -> None:
    """The station reports that it has removed a reservation (2.0.1 H04; 2.1: that no session followed)."""
    held, is_live = await _find_live(station, number)
    if held is not None and is_live:
        _fail(station, held, reason)


async def reported(station: Station, *, whole: str = "", sends_no_end: bool) -> None:
    """Apply the connector statuses of the current message. A connector, or the station as a `whole`, that is
    Faulted or Unavailable ends its reservations.

    `sends_no_end`: 1.6 has no message for the end of a reservation. It shows it by Available after Reserved.
    """
    for held in RESERVATIONS.of(station).unexpired(station.received_at):
        connectors = [one for one in station.connectors.values() if held.evse in (None, one.evse)]
        fresh = [one.status for one in connectors if one.reported_at == station.received_at]
        if whole in _OUT:
            _fail(station, held, _OUT[whole])
        elif fresh and all(one.status in _OUT for one in connectors):
            _fail(station, held, _OUT[fresh[-1]])
        elif _RESERVED in fresh:
            _show(station, held)
        elif sends_no_end and _is_released(held, connectors, fresh):
            await _release(station, held)


def _is_released(held: Held, connectors: list[ConnectorState], fresh: list[str]) -> bool:
    """Whether an EVSE that was reported as Reserved is free again. A reservation of any EVSE may move."""
    is_reserved = any(one.status == _RESERVED for one in connectors)
    return held.evse is not None and held.is_shown and _FREE in fresh and not is_reserved


def _show(station: Station, held: Held) -> None:
    if held.is_shown:
        return
    held.is_shown = True
    at = station.received_at
    station.unit.update(TABLE, held.pk, shown_at=at, updated_at=at)
    if held.command_id:
        station.emit(charging.EFFECT_SEEN, requestId=held.command_id, effect=_SHOWN)


async def _release(station: Station, held: Held) -> None:
    if station.received_at >= held.expires_at - EXPIRY_GRACE:
        _expire(station, held)
    elif not await journal.run(_is_being_cancelled, station.pk, held.number):
        _fail(station, held, Reason.RELEASED)


def _is_being_cancelled(charge_point_pk: int, number: int) -> bool:
    """Whether a cancellation waits for its answer, which some stations send after the status."""
    waiting = Command.objects.unfinished().filter(charge_point=charge_point_pk, action="CancelReservation")
    return waiting.filter(payload__reservationId=number).exists()


def _expire(station: Station, held: Held) -> None:
    _end(station, held, State.EXPIRED)
    announcing.emit(station, reservations.EXPIRED, held)


def _fail(station: Station, held: Held, reason: Reservation.Reason, **columns: object) -> None:
    _end(station, held, State.ENDED, reason=reason.value, **columns)
    announcing.emit(station, reservations.FAILED, held, reason=reason.value)


def _end(station: Station, held: Held, state: Reservation.State, **columns: object) -> None:
    RESERVATIONS.of(station).remove(held.number)
    at = station.received_at
    ended = {"state": state.value, "reason": "", "ended_at": at, "updated_at": at}
    station.unit.set(TABLE, held.pk, ended | columns)


async def _find_live(station: Station, number: int) -> tuple[Held | None, bool]:
    """The reservation with this number, and whether it has not ended."""
    unexpired = RESERVATIONS.of(station).unexpired(station.received_at)
    held = next((one for one in unexpired if one.number == number), None)
    if held is not None:
        return held, True
    row = await journal.run(find, station.pk, number)
    return (None, False) if row is None else (held_of(row), row.state in Reservation.LIVE)


def find(charge_point_pk: int, number: int) -> Reservation | None:
    """The reservation of this station with this number."""
    return Reservation.objects.filter(charge_point=charge_point_pk, number=number).first()
