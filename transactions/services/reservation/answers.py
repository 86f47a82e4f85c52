"""Answers of stations to ReserveNow (1.6 5.13, 2.0.1 H01), also to one of the generic command."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from django.db.transaction import atomic

from accounts.models.token import normalise_uid
from chargepoints.models import ChargePoint
from ocpp_server.events.catalogue import reservations
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Reserving
from ocpp_server.storage import writes
from ocpp_server.storage.journal import journal
from transactions.live.reservations import RESERVATIONS, Held, held_of
from transactions.live.tokens import read_tokens
from transactions.models import Reservation
from transactions.services.authorization.decision import choose
from transactions.services.reservation import announcing
from transactions.tables import RESERVATIONS as TABLE

State, Reason = Reservation.State, Reservation.Reason
# A refusal ends a reservation in these states. In any other one it was accepted before.
_REFUSABLE: Final = (State.REQUESTED, State.UNANSWERED, State.REFUSED)


class Asked(NamedTuple):
    """The content of a ReserveNow. `evse` is None for any EVSE of the station."""

    number: int
    evse: int | None
    connector_type: str
    token: IdToken
    group_id: str
    expires_at: datetime


async def answered(*, station: Station, asked: Asked, answer: Reserving, command_id: str) -> None:
    """Record a station's answer.

    A request that came through the generic door gets its row here. The same number replaces a reservation
    (1.6 5.13): when the station refuses that, the one before stays.
    """
    at = station.received_at
    is_accepted = answer is Reserving.ACCEPTED
    key = await journal.run(_key_of, station.pk, asked.number)
    held, stays = await writes.with_result(
        station.unit, _claim, station.pk, asked, command_id, at, is_accepted, key=key
    )
    if not is_accepted:
        refusal = Reason(answer).value
        if not stays:
            columns = {"state": State.REFUSED.value, "reason": refusal, "ended_at": at, "updated_at": at}
            station.unit.set(TABLE, held.pk, columns)
        announcing.emit(station, reservations.FAILED, held, reason=refusal)
        return
    station.unit.update(
        TABLE, held.pk, state=State.ACCEPTED.value, reason="", accepted_at=at, shown_at=None, updated_at=at
    )
    known = RESERVATIONS.of(station)
    if held.evse is not None:  # the ones that this one replaced in the database
        known.held = [one for one in known.held if one.evse != held.evse]
    known.add(held, at)
    announcing.emit(station, reservations.CREATED, held)


def _key_of(charge_point_pk: int, number: int) -> int:
    """The primary key of the reservation with this number, or of the row that `_claim` will add."""
    known = Reservation.objects.filter(charge_point=charge_point_pk, number=number)
    return known.values_list("pk", flat=True).first() or writes.take_key(Reservation)


def _claim(
    charge_point_pk: int, asked: Asked, command_id: str, at: datetime, is_accepted: bool, *, key: int
) -> tuple[Held, bool]:
    """The reservation of the answered request as accepted at this time, and whether a refusal leaves it as it
    is. Without the state of the row, which is another one after the commit.
    """
    row, stays = _claim_row(charge_point_pk, asked, command_id, at, is_accepted, key=key)
    row.accepted_at, row.shown_at = at, None
    return held_of(row), stays


def _claim_row(
    charge_point_pk: int, asked: Asked, command_id: str, at: datetime, is_accepted: bool, *, key: int
) -> tuple[Reservation, bool]:
    """The row of the answered request, and whether a refusal leaves it as it is. A new row gets this key.

    The station has one reservation on an EVSE at most, so accepting this one ended the others there. A
    refused request never changes the place or the token of a row.
    """
    with atomic():
        rows = Reservation.objects.select_for_update().filter(charge_point=charge_point_pk)
        row = rows.filter(number=asked.number).first()
        if row is not None and not is_accepted:
            stays = row.state not in _REFUSABLE
            if not stays:
                row.command_id, row.updated_at = command_id, at
                row.save(update_fields=["command", "updated_at"])
            return row, stays
        if is_accepted and asked.evse is not None:
            others = rows.live().filter(evse_number=asked.evse).exclude(number=asked.number)
            for other in others.select_related("charge_point"):
                end_stored(other, other.charge_point, Reason.REPLACED, at)
        if row is None:
            row = Reservation(pk=key, charge_point_id=charge_point_pk, number=asked.number, requested_at=at)
            row.state = State.REQUESTED if is_accepted else State.REFUSED
        elif row.state not in Reservation.LIVE:
            row.state = State.REQUESTED
        row.evse_number, row.connector_type = asked.evse, asked.connector_type[:50]
        row.id_token, row.id_token_type = asked.token.value[:255], asked.token.type[:32]
        row.group_id, row.expires_at = asked.group_id[:36], asked.expires_at
        row.token_id = token_pk(asked.token.value)
        row.command_id, row.ended_at, row.updated_at = command_id, None, at
        row.save()
        return row, False


def token_pk(uid: str) -> int | None:
    """The token with this uid, None for an unknown one."""
    record = choose(read_tokens(normalise_uid(uid)), None)
    return None if record is None else record.pk


def end_stored(row: Reservation, charge_point: ChargePoint, reason: Reservation.Reason, at: datetime) -> None:
    """End a reservation off the message path, with its event; in the caller's transaction."""
    row.state, row.reason, row.ended_at, row.updated_at = State.ENDED, reason, at, at
    row.save(update_fields=["state", "reason", "ended_at", "updated_at"])
    announcing.emit_stored(reservations.FAILED, row, charge_point, reason=reason.value)
