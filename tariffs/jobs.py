"""Jobs of tariffs: send running costs, end web payments, delete tariffs and payments of long ago."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import structlog
from django.conf import settings

from ocpp_server.domain import DomainError
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.process.scheduler import EXPIRE, SWEEP, Job, Step, in_journal
from ocpp_server.storage.journal import journal
from ocpp_server.storage.retention import DELETE_AT_ONCE
from ocpp_server.transport import calls
from ocpp_server.transport.switchboard import switchboard
from tariffs.models import StationTariff
from tariffs.services.payment import web_payments
from tariffs.services.tariff import local_costs, running
from tariffs.services.tariff.pricing import pricer

log = structlog.get_logger(__name__)

# How long a tariff of a station is kept after its end. The details of a session's cost name its id.
ENDED_KEPT: Final = timedelta(days=400)
# The most costs that one run sends; the next run continues.
MOST_AT_ONCE: Final = 200


def _quarter_of_the_interval() -> float:
    return min(5.0, max(0.2, float(settings.OCPP_COST_INTERVAL) / 4))


SEND_COSTS: Final = Job(
    "send_costs",
    every=_quarter_of_the_interval,
    everywhere=True,
    when=lambda: bool(settings.OCPP_PRICE and settings.OCPP_COST_INTERVAL),
)


async def send_costs() -> None:
    """Send the cost of each running session that has changed since its station got one (2.x I02)."""
    interval, count = timedelta(seconds=settings.OCPP_COST_INTERVAL), 0
    for connection in switchboard.served():
        station, now = connection.station, datetime.now(UTC)
        for transaction in running.due(station, now, interval):
            cost = pricer.cost(station, transaction)
            await asyncio.sleep(0)  # a price may take a millisecond, and there may be thousands
            if cost is None or not running.has_changed(station, transaction, cost):
                continue
            if await local_costs.applies(station, transaction, now):
                continue
            count += await _send(station, transaction, cost, now)
            if count >= MOST_AT_ONCE:
                return


async def _send(station: Station, transaction: TransactionState, cost: Decimal, now: datetime) -> bool:
    charge_point = await journal.run(running.receiver, station.pk, station.connected_at)
    if charge_point is None or not transaction.is_active:
        return False
    payload = {"totalCost": float(cost), "transactionId": transaction.ocpp_id}
    try:
        await calls.call(charge_point, running.COST_UPDATED, payload, actor="server", wait=False)
    except DomainError as error:
        log.info("housekeeping.cost_not_sent", station=station.identity, reason=str(error))
        return False
    running.note(station, transaction, cost, now)
    return True


def delete_ended() -> None:
    """Delete the tariffs that ended before ENDED_KEPT, the oldest first; the next run continues."""
    ended = StationTariff.objects.filter(ended_at__lt=datetime.now(UTC) - ENDED_KEPT)
    oldest = list(ended.order_by("ended_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    StationTariff.objects.filter(pk__in=oldest).delete()


def settle_web_payments() -> None:
    """End web payments that were not made in time, or whose remote start has led to nothing."""
    web_payments.settle(datetime.now(UTC))


def delete_unpaid() -> None:
    """Delete web payments that were never made."""
    web_payments.delete_unpaid(datetime.now(UTC))


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (SEND_COSTS, send_costs),
    (EXPIRE, in_journal(settle_web_payments)),
    (SWEEP, in_journal(delete_ended)),
    (SWEEP, in_journal(delete_unpaid)),
)
