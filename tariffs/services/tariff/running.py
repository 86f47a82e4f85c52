"""Costs of running sessions for CostUpdated (2.x I02): only those that no answer to an event has sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from chargepoints.models import ChargePoint, Command
from chargepoints.services.firmware.progress import UNSUPPORTED
from ocpp_server import capabilities
from ocpp_server.capabilities import Needs
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.actions import to_station
from tariffs.live import COSTS, SentCost
from tariffs.services.tariff.local_costs import ENABLED_COST

COST_UPDATED: Final = "CostUpdated"
SHOWS_COSTS: Final = Needs(variable=ENABLED_COST)


def note(station: Station, transaction: TransactionState, cost: Decimal, at: datetime) -> None:
    """Keep the cost of a running session that was sent to the station."""
    sent = COSTS.of(station).sent
    if transaction.is_active:
        sent[transaction.id] = SentCost(cost, at)
    else:
        sent.pop(transaction.id, None)


def due(station: Station, now: datetime, interval: timedelta) -> Iterator[TransactionState]:
    """The running sessions whose last cost was sent or compared at least one interval ago.

    The first interval of a session begins when it is first seen here.
    """
    if COST_UPDATED not in to_station(station.version) or not station.is_accepted or station.is_uncommitted:
        return
    sent = COSTS.of(station).sent
    running = {number: one for number, one in station.transactions.items() if one.is_active}
    for number in sent.keys() - running.keys():
        del sent[number]
    for number, transaction in running.items():
        last = sent.setdefault(number, SentCost(None, now))
        if now - last.at >= interval:
            last.at = now
            yield transaction


def has_changed(station: Station, transaction: TransactionState, cost: Decimal) -> bool:
    """Whether the station shows another cost. It shows none, or 0, before it gets the first one."""
    last = COSTS.of(station).sent.get(transaction.id)
    return cost != ((last and last.cost) or 0)


def receiver(charge_point_pk: int, since: datetime) -> ChargePoint | None:
    """The station, if it takes another cost now: it has not reported that it shows no costs; and since it
    connected it has answered the last one, and not that it does not know the action.

    Uses the database.
    """
    charge_point = ChargePoint.objects.filter(pk=charge_point_pk).first()
    if charge_point is None:
        return None
    version = charge_point.ocpp_version
    names = SHOWS_COSTS.names(version)
    if SHOWS_COSTS.unmet(version, capabilities.reports.app.values(charge_point_pk, names)):
        return None
    last = Command.objects.filter(charge_point=charge_point_pk, action=COST_UPDATED, created_at__gte=since)
    command = last.order_by("-created_at").first()
    if command is not None and (not command.is_finished or command.error_code in UNSUPPORTED):
        return None
    return charge_point
