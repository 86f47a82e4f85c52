"""Ends of reservations without a message: their expiry, and cancellations whose answers came late."""

from __future__ import annotations

from datetime import datetime

from django.db.transaction import atomic

from chargepoints.models import Command
from ocpp_server.events.catalogue import reservations
from ocpp_server.events.types import EventType
from transactions.models import Reservation
from transactions.models.reservation import EXPIRY_GRACE
from transactions.services.reservation import announcing, requesting

State = Reservation.State


def expire(now: datetime) -> None:
    """End the reservations whose expiry was EXPIRY_GRACE ago. 1.6 has no message about it, and a status
    Reserved after that is only shown.
    """
    overdue = Reservation.objects.filter(
        state__in=(State.ACCEPTED, State.UNANSWERED), expires_at__lte=now - EXPIRY_GRACE
    )
    for row in overdue.select_related("charge_point"):
        # One that was not answered has failed before.
        event = reservations.EXPIRED if row.state == State.ACCEPTED else None
        _end(row, State.EXPIRED, event, now)


def settle_cancelled(now: datetime) -> None:
    """End the reservations whose cancellation was accepted after its deadline."""
    late = Reservation.objects.filter(
        state__in=(State.ACCEPTED, State.UNANSWERED), cancel_command__state=Command.State.LATE
    )
    for row in late.select_related("charge_point", "cancel_command"):
        assert row.cancel_command is not None
        if requesting.is_accepted(row.cancel_command):
            _end(row, State.CANCELLED, reservations.CANCELLED, now)
            requesting.reload_when_stored(row)


def _end(row: Reservation, state: Reservation.State, event: EventType | None, now: datetime) -> None:
    """End one, unless a message has changed it meanwhile."""
    with atomic():
        known = Reservation.objects.filter(pk=row.pk, state=row.state)
        is_ended = known.update(state=state, reason="", ended_at=now, updated_at=now)
        if is_ended and event is not None:
            announcing.emit_stored(event, row, row.charge_point)
