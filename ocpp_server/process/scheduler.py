"""What has to happen without a message: mirroring, deadlines, expiries, retention. Runs inside the embedded
server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import Count, F

from ocpp_server import live
from ocpp_server.environment import roles
from ocpp_server.observability import measures
from ocpp_server.protocol.versions import V2X
from ocpp_server.storage import partitions
from ocpp_server.storage.journal import JournalUnavailable, journal
from ocpp_server.storage.unit import Unit

log = structlog.get_logger(__name__)

# How long an idempotency key is honoured.
IDEMPOTENCY_KEPT = timedelta(days=1)
EVENTS_PER_STATION = 10_000
REFUSALS_KEPT = timedelta(days=30)
# One deletion at a time stays short, because stations wait for the same writer.
DELETE_AT_ONCE = 2000

_tasks: list[asyncio.Task[None]] = []


def start() -> None:
    live.state().stand(is_first=roles.current() is roles.Role.HOUSEKEEPING)
    for every, job in (
        (2.0, mirror),
        (5.0, expire),
        (5.0, ask_for_missing_events),
        (60.0, doubt),
        (60.0, sweep),
        (min(60.0, max(1.0, settings.OCPP_INTERRUPTED_GRACE / 4)), end_forsaken),
        (3600.0, trim),
        *_shared_jobs(),
    ):
        _tasks.append(asyncio.get_running_loop().create_task(_repeat(every, job)))


def _shared_jobs() -> tuple[tuple[float, Callable[[], Awaitable[None]]], ...]:
    """What there is to do when several processes share the live state."""
    from ocpp_server.transport import takeover

    state = live.state()
    return ((settings.REDIS_STATE_TTL / 3, takeover.bury), (60.0, state.reconcile)) if state.is_shared else ()


# What every process does for the stations it holds; the rest only one process does, whichever is elected.
_EVERYWHERE = frozenset({"mirror", "ask_for_missing_events", "doubt"})


async def stop() -> None:
    for task in _tasks:
        task.cancel()
    await asyncio.gather(*_tasks, return_exceptions=True)
    _tasks.clear()
    try:
        await mirror()
    except JournalUnavailable:
        log.warning("housekeeping.database_away", job="mirror")


async def _repeat(every: float, job: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(every)
        if job.__name__ not in _EVERYWHERE and not live.state().is_housekeeper:
            continue
        result, started = "failed", time.perf_counter()
        try:
            await job()
            result = "done"
        except live.LiveStateUnavailable as error:
            log.warning("housekeeping.redis_away", job=job.__name__, error=str(error))
        except JournalUnavailable:
            log.warning("housekeeping.database_away", job=job.__name__)
        except Exception:
            log.exception("housekeeping.failed", job=job.__name__)
        measures.housekeeping(job.__name__, result, started)


async def mirror() -> None:
    """Write last-seen times and deviation counts of connected stations and the last use of tokens; close
    stations that have gone silent.
    """
    from chargepoints.services import deviations
    from chargepoints.tables import CHARGE_POINTS
    from ocpp_server.transport import presence
    from ocpp_server.transport.switchboard import switchboard
    from transactions.tables import TOKENS

    unit = Unit()
    counted = []
    now = datetime.now(UTC)
    for connection in switchboard.served():
        station = connection.station
        if station.last_seen_at != station.mirrored_at:
            station.mirrored_at = station.last_seen_at
            unit.update(
                CHARGE_POINTS,
                station.pk,
                last_seen_at=station.last_seen_at,
                clock_skew_s=station.clock_skew_s,
            )
        if station.deviations:
            counted.append((station.pk, station.deviations))
            station.deviations = {}
        if connection.is_silent(presence.silence_allowed(station.heartbeat_interval)):
            await connection.dismiss(1001, "Nothing was heard for too long.")
    # In the order of their keys: two processes that write the same tokens must not lock them crosswise.
    for pk, at in sorted(live.state().take_used_tokens().items()):
        unit.update(TOKENS, pk, last_used_at=at)
    if unit:
        await journal.commit(unit)
    if counted:
        await journal.run(deviations.store, counted, now)
    await presence.record_departures()


async def expire() -> None:
    """Close what nobody closed: overdue commands, remote starts that came to nothing."""
    await journal.run(_expire)


def _expire() -> None:
    from chargepoints.models import Command
    from transactions.services import remote_control

    now = datetime.now(UTC)
    # The holder of the socket ends commands itself; this is for those whose process died.
    overdue = Command.objects.unfinished().filter(deadline_at__lt=now - timedelta(seconds=60))
    overdue.update(state=Command.State.TIMEOUT, finished_at=now)
    remote_control.expire(now)


async def ask_for_missing_events() -> None:
    """Ask connected stations about transactions with gaps (2.0.1 E14): what is lost, what is on its way."""
    from chargepoints.models import ChargePoint
    from ocpp_server.domain import DomainError
    from ocpp_server.transport import calls
    from ocpp_server.transport.switchboard import switchboard
    from transactions.services.transactions import gaps

    grace, now = timedelta(seconds=settings.OCPP_MISSING_EVENTS_GRACE), datetime.now(UTC)
    for connection in switchboard.served():
        station = connection.station
        if station.version not in V2X or not station.is_accepted:
            continue
        for transaction in gaps.due(station, now, grace):
            charge_point = await journal.run(ChargePoint.objects.get, pk=station.pk)
            question = {"transactionId": transaction.ocpp_id}
            try:
                await calls.call(charge_point, "GetTransactionStatus", question, actor="server", wait=False)
            except DomainError as error:
                log.info("housekeeping.not_asked", station=station.identity, reason=str(error))


async def doubt() -> None:
    """Mark transactions that contradict what their connector reports."""
    from ocpp_server.transport.switchboard import switchboard
    from transactions.services.transactions import free_connectors

    now = datetime.now(UTC)
    for connection in switchboard.served():
        if free_connectors.overdue(connection.station, now):
            await connection.between_messages(free_connectors.mark_suspect)


async def end_forsaken() -> None:
    """End the transactions that a restart or a refusal left open and that no stop will end."""
    await journal.run(_end_forsaken)


def _end_forsaken() -> None:
    from transactions.services.transactions import interruptions

    grace = timedelta(seconds=settings.OCPP_INTERRUPTED_GRACE)
    interruptions.close_interrupted(datetime.now(UTC), grace)


async def sweep() -> None:
    """Abandoned transactions and retention."""
    await journal.run(_abandon)
    kept = {
        partitions.MESSAGES: settings.OCPP_MESSAGE_RETENTION,
        partitions.METER_VALUES: settings.OCPP_METER_VALUE_RETENTION,
    }
    if partitions.is_divided():
        await asyncio.to_thread(partitions.maintain, kept, datetime.now(UTC))
    else:
        for monthly, seconds in kept.items():
            while seconds and await journal.run(_delete_old, monthly, seconds):
                await asyncio.sleep(0.05)
    await journal.run(_delete_old_requests)


def _abandon() -> None:
    from transactions.services.transactions import closing

    closing.close_abandoned(datetime.now(UTC) - timedelta(seconds=settings.OCPP_ABANDON_AFTER))


def _delete_old(monthly: partitions.Monthly, seconds: float) -> bool:
    """A piece of what is too old; whether there may be more."""
    before = datetime.now(UTC) - timedelta(seconds=seconds)
    # Rows are appended in order of our time, so the oldest ids are the oldest rows: no index on the time
    # alone is needed.
    rows = monthly.model._default_manager
    oldest = list(rows.order_by("id").values_list("id", monthly.written)[:DELETE_AT_ONCE])
    expired = [pk for pk, at in oldest if at < before]
    if expired:
        rows.filter(pk__in=expired).delete()
    return len(expired) == DELETE_AT_ONCE


async def trim() -> None:
    """Of what a station can write without end, the newest rows are kept (S11)."""
    await journal.run(_trim)


def _trim() -> None:
    from chargepoints.models import DeviceEvent, SecurityEvent
    from transactions.models import Refusal

    for model in (DeviceEvent, SecurityEvent, Refusal):
        crowded = (
            model.objects.order_by()
            .values_list("charge_point")
            .annotate(rows=Count("pk"))
            .filter(rows__gt=EVENTS_PER_STATION)
        )
        for charge_point_pk, _ in crowded:
            mine = model.objects.filter(charge_point=charge_point_pk).order_by("-pk")
            oldest_kept = mine.values_list("pk", flat=True)[EVENTS_PER_STATION - 1]
            mine.filter(pk__lt=oldest_kept).delete()


def _delete_old_requests() -> None:
    from accounts.models import IdempotentRequest
    from accounts.services import token_uploads
    from chargepoints.models import RefusedConnection

    now = datetime.now(UTC)
    IdempotentRequest.objects.filter(created_at__lt=now - IDEMPOTENCY_KEPT).delete()
    RefusedConnection.objects.filter(at__lt=now - REFUSALS_KEPT).delete()
    token_uploads.forget_old()
    if settings.OCPP_MESSAGE_RETENTION:
        token_uploads.forget_reports(now - timedelta(seconds=settings.OCPP_MESSAGE_RETENTION))


def clean_up_after_crash() -> None:
    """A process that was killed left stations online and commands open that nobody will ever end."""
    from chargepoints.models import ChargePoint, Command

    now = datetime.now(UTC)
    ChargePoint.objects.online().update(
        is_online=False, disconnected_at=now, connection_id="", close_code=None
    )
    Command.objects.unfinished().update(
        state=Command.State.DISCONNECTED,
        finished_at=F("deadline_at"),
        error_description="The server was restarted.",
    )
