"""The condition of stations that are connected and send nothing."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Final

from django.conf import settings
from django.db.models import Q

from alerts.services import words
from alerts.services.codes import stations
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from chargepoints.models import ChargePoint

_MOST: Final = 5000
# A station may have an interval of its own; 0 is that of the server. The query compares with the shortest one
# of each of these ranges: a healthy station sends within twice that.
_OWN: Final = (*(2**power for power in range(18)), 2**31)


def silent(look: Look) -> Found:
    """Stations with a connection whose last message is older than some of their heartbeat intervals.

    A connection that answers no pings is closed after three of them, and its station is offline.
    """
    code = stations.SILENT.name
    times = look.rules.lowest(code, "intervals")
    overdue = Q(heartbeat_interval=0, last_seen_at__lt=look.now - times * _interval(0))
    for shortest, longer in pairwise(_OWN):
        own = {"heartbeat_interval__gte": shortest, "heartbeat_interval__lt": longer}
        overdue |= Q(**own, last_seen_at__lt=look.now - times * _interval(shortest))
    rows = ChargePoint.objects.order_by().filter(
        overdue,
        last_seen_at__lt=look.now - times * _interval(1),
        is_online=True,
        registration_status=ChargePoint.Registration.ACCEPTED,
    )
    columns = ("pk", "identity", "site_id", "heartbeat_interval", "last_seen_at")
    selected = list(rows.values_list(*columns)[:_MOST])
    found = []
    for pk, identity, site, interval, seen in selected:
        assert seen is not None  # by the filter
        limit = look.rules.of(code, station=pk, site=site).parameters["intervals"] * _interval(interval)
        age = look.now - seen
        if age < limit:
            continue
        found.append(
            Finding(
                code=code,
                key=key_of(code, identity),
                title=f"{identity} is connected and has sent nothing since {words.since(seen, look.now)}",
                detail=f"Its heartbeat interval is {words.duration(_interval(interval).total_seconds())}.",
                station=identity,
                charge_point=pk,
                site=site,
                value=round(age.total_seconds()),
            )
        )
    return Found(found, is_complete=len(selected) < _MOST)


def _interval(own: int) -> timedelta:
    """The heartbeat interval of a station, but not less than that of the pings."""
    return timedelta(seconds=max(own or settings.OCPP_HEARTBEAT_INTERVAL, settings.OCPP_PING_INTERVAL))
