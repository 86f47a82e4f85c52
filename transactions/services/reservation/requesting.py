"""Requests for reservations: their rows, and the state that follows from the end of their commands.

The answer of a station is recorded when it arrives (`answers`). This module handles the rest: errors,
silence, lost connections and answers after the deadline.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import IntegrityError
from django.db.models import Q
from django.db.transaction import atomic, on_commit

from chargepoints.models import ChargePoint, Command
from chargepoints.services.provisioning import stations
from ocpp_server.domain import Conflict, Missing
from ocpp_server.events.catalogue import reservations
from ocpp_server.protocol.translate import Reserving, reserving
from ocpp_server.transport import outcomes
from ocpp_server.transport.command_store import QUEUE_FULL
from ocpp_server.transport.command_store import State as Answered
from transactions.models import Reservation
from transactions.services.reservation import announcing
from transactions.services.reservation.answers import Asked, token_pk
from transactions.services.reservation.ending import find

State, Reason = Reservation.State, Reservation.Reason

# A request is in the table before its command: without one after this long, none was sent.
_COMMAND_WITHIN: Final = timedelta(seconds=60)


class Outcome(NamedTuple):
    """The state of a reservation after its command."""

    state: Reservation.State
    reason: str = ""


def request(charge_point: ChargePoint, asked: Asked, *, again: bool, now: datetime) -> Reservation:
    """The row of a request that is about to be sent; `again` sends one that the station has not accepted.

    Raises Missing without such a row, and Conflict when the EVSE has another live reservation.
    """
    try:
        with atomic():
            row = _stored(charge_point, asked.number) if again else Reservation(number=asked.number)
            row.charge_point, row.requested_at = charge_point, now
            row.evse_number, row.connector_type = asked.evse, asked.connector_type
            row.id_token, row.id_token_type = asked.token.value, asked.token.type
            row.group_id, row.expires_at = asked.group_id, asked.expires_at
            row.token_id = token_pk(asked.token.value)
            row.state, row.reason, row.command, row.cancel_command = State.REQUESTED, "", None, None
            row.accepted_at = row.shown_at = row.ended_at = None
            row.updated_at = now
            row.save()
            return row
    except IntegrityError:
        other = Reservation.objects.live().filter(charge_point=charge_point, evse_number=asked.evse).first()
        if other is None:
            raise
        raise Conflict(
            f"EVSE {asked.evse} has the reservation {other.number} ({other.get_state_display()}). "
            "Cancel it first.",
            data={"reservationId": other.number},
        ) from None


def _stored(charge_point: ChargePoint, number: int) -> Reservation:
    row = find(charge_point.pk, number)
    if row is None:
        raise Missing(f"{charge_point.identity} has no reservation {number}.")
    if row.state not in (State.REFUSED, State.UNANSWERED):
        raise Conflict(
            f"Reservation {number} is “{row.get_state_display()}”: only one that was rejected, or not "
            "answered, can be sent again."
        )
    return row


def to_cancel(charge_point: ChargePoint, number: int) -> Reservation | None:
    """The reservation with this number, for a cancellation. Raises Conflict for one that is over.

    One that has ended only here may be cancelled: the station may still hold it, if its clock is slow. So may
    an unknown one, which the station has from another system.
    """
    row = find(charge_point.pk, number)
    if row is not None and row.state in (State.REQUESTED, State.REFUSED, State.USED, State.CANCELLED):
        raise Conflict(f"Reservation {number} is “{row.get_state_display()}”: there is nothing to cancel.")
    return row


def follow(pk: int, command: Command) -> None:
    """Connect a reservation with its command, and settle it if the command has ended."""
    Reservation.objects.filter(pk=pk, command=None).update(command=command)
    settle(pk, command)


def follow_cancel(pk: int, command: Command) -> None:
    """Connect a reservation with the command that cancels it."""
    Reservation.objects.filter(pk=pk).update(cancel_command=command, updated_at=datetime.now(UTC))


def not_sent(pk: int) -> None:
    """The request was not sent: refuse it."""
    _set(pk, (State.REQUESTED,), Outcome(State.REFUSED, Reason.NOT_SENT), datetime.now(UTC))


def settle(pk: int, command: Command) -> None:
    """Give a reservation without an answer the state that follows from its command."""
    outcome = outcome_of(command)
    if outcome is not None:
        _set(pk, (State.REQUESTED, State.UNANSWERED), outcome, datetime.now(UTC))


def outcome_of(command: Command) -> Outcome | None:
    """The state of a reservation after its command; None while the command waits for an answer."""
    answer = answer_of(command)
    if answer.status:
        verdict = reserving(answer.status)
        is_accepted = verdict is Reserving.ACCEPTED
        return Outcome(State.ACCEPTED) if is_accepted else Outcome(State.REFUSED, Reason(verdict))
    match command.state:
        case Command.State.QUEUED | Command.State.SENT:
            return None
        case Command.State.ERROR:
            is_sent = command.error_code != QUEUE_FULL
            return Outcome(State.REFUSED, Reason.ERROR if is_sent else Reason.NOT_SENT)
        case Command.State.DISCONNECTED if command.sent_at is None:
            return Outcome(State.REFUSED, Reason.NOT_SENT)
        case Command.State.TIMEOUT | Command.State.DISCONNECTED:
            return Outcome(State.UNANSWERED, Reason.SILENT)
    return Outcome(State.UNANSWERED, Reason.INVALID)


def answer_of(command: Command) -> outcomes.Outcome:
    """The meaning of the station's answer, also of one that came too late."""
    response: Any = command.response
    if command.state == Command.State.LATE and isinstance(response, dict):
        late = response.get("late", response)
        return outcomes.outcome(command.action, late if isinstance(late, dict) else {})
    return command.outcome


def is_accepted(command: Command) -> bool:
    """Whether the station has accepted the command, in time or late."""
    answer = answer_of(command)
    return bool(answer.status) and answer.state is Answered.ACCEPTED


def _set(pk: int, states: tuple[Reservation.State, ...], outcome: Outcome, now: datetime) -> None:
    """Change a reservation in one of these states, with the event: the station may have answered."""
    columns: dict[str, Any] = {"state": outcome.state, "reason": outcome.reason, "updated_at": now}
    if outcome.state == State.ACCEPTED:
        columns["accepted_at"] = now
    elif outcome.state == State.REFUSED:
        columns["ended_at"] = now
    with atomic():
        waiting = Reservation.objects.filter(pk=pk, state__in=states)
        changed = waiting.exclude(state=outcome.state, reason=outcome.reason).update(**columns)
        if not changed:
            return
        row = Reservation.objects.select_related("charge_point").get(pk=pk)
        if outcome.state == State.ACCEPTED:
            announcing.emit_stored(reservations.CREATED, row, row.charge_point)
            reload_when_stored(row)
        else:
            announcing.emit_stored(reservations.FAILED, row, row.charge_point, reason=outcome.reason)


def reload_when_stored(row: Reservation) -> None:
    """After the commit, make the process that serves the station load its reservations again."""
    identity = row.charge_point.identity
    on_commit(lambda: stations.reload(identity), robust=True)


def command_of(row: Reservation) -> Command | None:
    """The command of a request whose process died before it connected the two."""
    sent = Command.objects.filter(
        charge_point=row.charge_point_id, action="ReserveNow", created_at__gte=row.requested_at
    )
    return sent.filter(Q(payload__reservationId=row.number) | Q(payload__id=row.number)).first()


def settle_waiting(now: datetime) -> None:
    """Settle the requests whose commands have ended, and those whose answers came late."""
    for row in Reservation.objects.filter(state=State.REQUESTED).select_related("command"):
        command = row.command or command_of(row)
        if command is not None:
            follow(row.pk, command)
        elif row.requested_at < now - _COMMAND_WITHIN:
            not_sent(row.pk)
    late = Reservation.objects.filter(  # equivalent: `settle` changes no other row; this spares reading it
        state=State.UNANSWERED, reason=Reason.SILENT, command__state=Command.State.LATE
    )
    for row in late.select_related("command"):
        assert row.command is not None
        settle(row.pk, row.command)
