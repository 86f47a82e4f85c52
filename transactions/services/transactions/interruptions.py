"""Transactions that a restart of their station interrupted: they continue, or end without a stop."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from chargepoints.models import Connector
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from transactions.models import Transaction
from transactions.services.transactions import closing, sessions
from transactions.services.transactions.concurrency import was_refused
from transactions.services.transactions.suspicion import CONNECTOR_FREE, STOP_MISSING, clear


def note_boot(station: Station) -> None:
    """Mark the open transactions as interrupted. They stay open: the station may resume, or still send the
    stop (1.6 4.10).
    """
    for transaction in station.transactions.values():
        if transaction.is_active and transaction.interrupted_at is None:
            transaction.interrupted_at = station.received_at
            sessions.mark_interrupted(station, transaction)


def note_activity(
    station: Station,
    transaction: TransactionState,
    at: datetime,
    *,
    has_drawn: bool,
    is_resumed: bool = False,
) -> None:
    """Note a message about a running transaction; `at` is its time by the station's clock.

    A message from before the restart, sent from the station's queue after it, proves nothing. `is_resumed`:
    it goes on after an interruption (2.1 E17), whatever the clock of the station shows. Drawn energy
    proves that a vehicle is connected, even when the connector reports Available.
    """
    if is_resumed:
        transaction.interrupted_at = None
    if transaction.interrupted_at is not None:
        # A clock that seems slow may be a delayed message; a clock that is ahead is certain.
        ahead = timedelta(seconds=max(0.0, station.clock_skew_s or 0.0))
        if at - ahead > transaction.interrupted_at:
            transaction.interrupted_at = None
    if has_drawn:
        clear(transaction, CONNECTOR_FREE)


def close_interrupted(now: datetime, grace: timedelta) -> None:
    """Close active transactions that will get no stop: their connectors have been free for the grace.

    Two kinds are closed. Transactions without a message since their station restarted, although the station
    is online and had time to send its queue; and refused transactions that have drawn nothing. A later stop
    replaces either end. Housekeeping calls this; it writes to the database.
    """
    quiet = Transaction.objects.active().filter(last_message_at__lte=now - grace)
    interrupted = Q(is_interrupted=True, charge_point__is_online=True)
    refused = Q(energy_wh=0) & ~Q(authorization_status__in=("", "Accepted"))
    for row in quiet.filter(interrupted | refused).select_related("charge_point"):
        if not _is_free(row, now - grace):
            continue
        is_void = was_refused(row) and not row.has_drawn
        closing.close(
            row.pk,
            by=Transaction.EndedBy.REFUSED if is_void else Transaction.EndedBy.INTERRUPTED,
            reasons=(lambda present: []) if is_void else (STOP_MISSING,),
            unless_message_since=row.last_message_at,
        )


def _is_free(row: Transaction, since: datetime) -> bool:
    """Whether the transaction's connectors have been Available since that moment, and the station has been
    running and connected.
    """
    station = row.charge_point
    started = (station.last_boot_at, station.connected_at)
    if row.evse_number is None or any(at is not None and at > since for at in started):
        return False
    connectors = Connector.objects.filter(charge_point=station, evse__number=row.evse_number)
    if row.connector_number is not None:
        connectors = connectors.filter(number=row.connector_number)
    reports = list(connectors.values_list("status", "status_received_at"))
    return bool(reports) and all(
        status == Connector.Status.AVAILABLE and at is not None and at <= since for status, at in reports
    )
