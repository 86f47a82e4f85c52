"""Conditions about connections: stations offline, sites, the whole fleet, stations that never came."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q, QuerySet

from alerts.services import maintenance, words
from alerts.services.codes import stations
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look, OfflineStation
from chargepoints.models import ChargePoint, Site

# A station that was away for longer is no news: it was taken down.
_RECENT: Final = timedelta(days=30)
# Rows of one query. More stations offline are an alert of the fleet, and the others are counted.
_MOST: Final = 20_000


def _expected(now: datetime) -> QuerySet[ChargePoint]:
    """The stations that should be online."""
    rows = ChargePoint.objects.order_by().filter(
        registration_status=ChargePoint.Registration.ACCEPTED, last_seen_at__gte=now - _RECENT
    )
    return rows.exclude(site__is_test=True)


def _offline(look: Look) -> list[OfflineStation]:
    if look.offline is None:
        rows = _expected(look.now).filter(is_online=False)
        found = rows.values_list("pk", "identity", "site_id", "disconnected_at", "last_seen_at")
        look.offline = [
            # A row has one of these times: the filter asks for the second.
            OfflineStation(pk, identity, site, gone or seen or look.now)
            for pk, identity, site, gone, seen in found[:_MOST]
        ]
    return look.offline


def _counted(look: Look) -> list[OfflineStation]:
    """The stations offline without those in maintenance, which are no sign of a failure of their site."""
    rows = _offline(look)
    silent = maintenance.maintained([one.pk for one in rows], look.now)
    return [one for one in rows if one.pk not in silent]


def offline(look: Look) -> Found:
    """Stations without a connection."""
    found = [
        Finding(
            code=stations.OFFLINE.name,
            key=key_of(stations.OFFLINE.name, one.identity),
            title=f"{one.identity} has been offline since {words.since(one.since, look.now)}",
            station=one.identity,
            charge_point=one.pk,
            site=one.site,
        )
        for one in _offline(look)
    ]
    return Found(found, is_complete=len(found) < _MOST)


def site_offline(look: Look) -> Found:
    """Sites of which many stations are offline at once."""
    code = stations.SITE_OFFLINE.name
    gone: dict[int, list[OfflineStation]] = defaultdict(list)
    for one in _counted(look):
        if one.site is not None:
            gone[one.site].append(one)
    least = look.rules.lowest(code, "stations")
    asked = [site for site, found in gone.items() if len(found) >= least]
    if not asked:
        return Found([])
    totals = dict(_expected(look.now).filter(site__in=asked).values_list("site").annotate(Count("pk")))
    names = dict(Site.objects.filter(pk__in=asked).values_list("pk", "name"))
    found = []
    for site in asked:
        limits, number = look.rules.of(code, site=site).parameters, len(gone[site])
        total = max(number, totals.get(site, 0))
        if number < limits["stations"] or number * 100 < limits["percent"] * total:
            continue
        first = min(one.since for one in gone[site])
        found.append(
            Finding(
                code=code,
                key=key_of(code, site),
                title=f"{number:,} of {total:,} stations at {names.get(site, site)} are offline",
                detail=f"Since {words.since(first, look.now)}: "
                + words.listed(sorted(one.identity for one in gone[site])),
                site=site,
                value=number,
            )
        )
    return Found(found)


def fleet_offline(look: Look) -> Found:
    """A large part of all stations went offline within a short time."""
    code = stations.FLEET_OFFLINE.name
    limits = look.rules.of(code).parameters
    alert = look.unresolved.get(key_of(code))
    # An open alert counts the stations that went offline when it began.
    begin = look.now if alert is None else alert.opened_at
    since = begin - timedelta(seconds=limits["within_s"])
    gone = sum(1 for one in _counted(look) if one.since >= since)
    if gone < limits["stations"] and alert is None:
        return Found([])
    total = _expected(look.now).count()
    percent = limits["percent"] if alert is None else min(10, limits["percent"])
    if gone * 100 < percent * total or not gone:
        return Found([])
    title = f"{gone:,} of {total:,} stations went offline within {words.duration(limits['within_s'])}"
    return Found([Finding(code=code, key=key_of(code), title=title, value=gone)])


def never_connected(look: Look) -> Found:
    """Stations that were added and have not connected once."""
    code = stations.NEVER_CONNECTED.name
    rows = ChargePoint.objects.order_by().filter(
        Q(last_seen_at__isnull=True, connected_at__isnull=True),
        registration_status=ChargePoint.Registration.ACCEPTED,
        created_at__lt=look.now - timedelta(seconds=look.rules.lowest(code, "after_s")),
    )
    found = []
    selected = list(rows.values_list("pk", "identity", "site_id", "created_at")[:_MOST])
    for pk, identity, site, created in selected:
        age = look.now - created
        if age < timedelta(seconds=look.rules.of(code, station=pk, site=site).parameters["after_s"]):
            continue
        found.append(
            Finding(
                code=code,
                key=key_of(code, identity),
                title=f"{identity} has not connected since it was added at {words.since(created, look.now)}",
                station=identity,
                charge_point=pk,
                site=site,
            )
        )
    return Found(found, is_complete=len(selected) < _MOST)
