"""Jobs of transactions and tokens, which run without a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.conf import settings

from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.domain import DomainError
from ocpp_server.process.scheduler import (
    EXPIRE,
    MIRROR,
    SWEEP,
    TRIM,
    Job,
    Step,
    in_journal,
)
from ocpp_server.protocol.actions import to_station
from ocpp_server.storage import retention
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import calls
from ocpp_server.transport.switchboard import switchboard
from transactions.models import Refusal, Reservation
from transactions.services.metering import carrying, months
from transactions.services.remote_control import remote_starts, requested_starts, triggers
from transactions.services.reservation import expiring, requesting
from transactions.services.transactions import closing, free_connectors, gaps, interruptions
from transactions.tables import TOKENS

log = structlog.get_logger(__name__)


def _quarter_of_the_grace() -> float:
    return min(60.0, max(1.0, float(settings.OCPP_INTERRUPTED_GRACE) / 4))


# Metrics and logs know the jobs by these names.
ASK_FOR_MISSING_EVENTS: Final = Job("ask_for_missing_events", every=5.0, everywhere=True)
MARK_CONTRADICTED: Final = Job("doubt", every=60.0, everywhere=True)
CARRY_OVER_SAMPLES: Final = Job("carry_over_samples", every=60.0)
SUM_MONTHS: Final = Job("sum_months", every=60.0)
END_INTERRUPTED: Final = Job("end_forsaken", every=_quarter_of_the_grace)


async def mirror_token_uses() -> None:
    """Write when tokens were last used."""
    unit = Unit()
    # In the order of their keys: two processes that write the same tokens must not wait for each other's
    # locks.
    for pk, at in sorted(live.state().take_used_tokens().items()):
        unit.update(TOKENS, pk, last_used_at=at)
    if unit:
        await journal.commit(unit)


def expire_remote_starts() -> None:
    """End remote starts that have led to no transaction in time."""
    remote_starts.expire(datetime.now(UTC))


def settle_triggers() -> None:
    """Settle the triggers whose message has not come in time, or whose process has died."""
    triggers.settle_overdue(datetime.now(UTC))


def settle_reservations() -> None:
    """Settle reservations whose commands got no answer or a late one, and end those that have expired."""
    now = datetime.now(UTC)
    requesting.settle_waiting(now)
    expiring.settle_cancelled(now)
    expiring.expire(now)


async def ask_for_missing_events() -> None:
    """Ask connected stations about transactions with gaps (2.0.1 E14): are the missing events lost or
    still queued?
    """
    grace, now = timedelta(seconds=settings.OCPP_MISSING_EVENTS_GRACE), datetime.now(UTC)
    for connection in switchboard.served():
        station = connection.station
        if "GetTransactionStatus" not in to_station(station.version) or not station.is_accepted:
            continue
        for transaction in gaps.due(station, now, grace):
            charge_point = await journal.run(ChargePoint.objects.get, pk=station.pk)
            question = {"transactionId": transaction.ocpp_id}
            try:
                await calls.call(charge_point, "GetTransactionStatus", question, actor="server", wait=False)
            except DomainError as error:
                log.info("housekeeping.not_asked", station=station.identity, reason=str(error))


async def mark_contradicted() -> None:
    """Mark transactions that contradict what their connector reports."""
    now = datetime.now(UTC)
    for connection in switchboard.served():
        if free_connectors.overdue(connection.station, now):
            await connection.between_messages(free_connectors.mark_suspect)


def end_interrupted() -> None:
    """End the transactions that a restart or a refusal left open and that no stop will end."""
    grace = timedelta(seconds=settings.OCPP_INTERRUPTED_GRACE)
    interruptions.close_interrupted(datetime.now(UTC), grace)


def close_abandoned() -> None:
    """Close transactions whose stations have sent nothing about them for OCPP_ABANDON_AFTER."""
    closing.close_abandoned(datetime.now(UTC) - timedelta(seconds=settings.OCPP_ABANDON_AFTER))


def trim_refusals() -> None:
    """Keep the newest refused tokens of each station (S11)."""
    retention.keep_newest(Refusal)


def trim_reservations() -> None:
    """Keep the newest reservations of each station."""
    retention.keep_newest(Reservation)


def delete_requested_starts() -> None:
    """Delete what was noted about remote starts long ago."""
    requested_starts.delete_old(datetime.now(UTC))


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (MIRROR, mirror_token_uses),
    (EXPIRE, in_journal(expire_remote_starts)),
    (EXPIRE, in_journal(settle_reservations)),
    (EXPIRE, in_journal(settle_triggers)),
    (ASK_FOR_MISSING_EVENTS, ask_for_missing_events),
    (MARK_CONTRADICTED, mark_contradicted),
    (END_INTERRUPTED, in_journal(end_interrupted)),
    (SWEEP, in_journal(close_abandoned)),
    (TRIM, in_journal(trim_refusals)),
    (TRIM, in_journal(trim_reservations)),
    (TRIM, in_journal(delete_requested_starts)),
    (CARRY_OVER_SAMPLES, carrying.carry_over),
    (SUM_MONTHS, months.sum_changed),
)
