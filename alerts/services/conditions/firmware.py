"""The condition of stations whose last update of the firmware has failed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Count, Max

from alerts.models import Severity
from alerts.services.codes import attempts
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from chargepoints.models import CampaignStation, ChargePoint, FirmwareUpdate
from chargepoints.services.firmware.progress import same_version

_MOST: Final = 5000
_State: Final = FirmwareUpdate.State


class _Failure(NamedTuple):
    pk: int
    ended_at: datetime
    campaign: int | None
    version: str
    fault: str


def failed(look: Look) -> Found:
    """Stations whose last ended update has failed. A repetition that is under way changes nothing yet."""
    code = attempts.FIRMWARE.name
    since = look.now - timedelta(seconds=look.rules.highest(code, "within_s"))
    rows = FirmwareUpdate.objects.filter(state__in=(_State.FAILED, _State.SILENT), finished_at__gte=since)
    columns = ("charge_point", "pk", "finished_at", "campaign", "version", "fault")
    selected = list(rows.order_by("-id").values_list(*columns)[:_MOST])
    newest = {station: _Failure(*rest) for station, *rest in reversed(selected)}
    # By themselves, because a join with these reads every update of every station.
    repeated = _installed(newest)
    known = ChargePoint.objects.filter(pk__in=newest).order_by()
    stations = known.values_list("pk", "identity", "site_id", "firmware_version")
    percents = _percents({one.campaign for one in newest.values() if one.campaign is not None})
    found = []
    for station, identity, site, present in stations:
        one = newest[station]
        limits = look.rules.of(code, station=station, site=site).parameters
        is_old = look.now - one.ended_at > timedelta(seconds=limits["within_s"])
        if is_old or repeated.get(station, 0) > one.pk or _has(present, one.version):
            continue
        percent = percents.get(one.campaign, 0.0) if one.campaign is not None else 0.0
        found.append(
            Finding(
                code=code,
                # The number of the campaign, or nothing: the alert of the campaign explains this one.
                key=key_of(code, one.campaign or "", identity),
                title=f"The update of {identity} to {one.version or 'another firmware'} failed",
                detail=one.fault,
                station=identity,
                charge_point=station,
                site=site,
                severity=Severity.CRITICAL if percent >= limits["percent"] else None,
            )
        )
    return Found(found, is_complete=len(selected) < _MOST)


def _has(present: str, version: str) -> bool:
    return bool(version) and same_version(present, version)


def _installed(stations: Iterable[int]) -> dict[int, int]:
    """The last update of each station that was installed."""
    rows = FirmwareUpdate.objects.order_by().filter(charge_point__in=list(stations), state=_State.INSTALLED)
    return dict(rows.values_list("charge_point").annotate(Max("pk")))


def _percents(campaigns: set[int]) -> dict[int, float]:
    """The part of the stations of each campaign that has failed."""
    rows = CampaignStation.objects.order_by().filter(campaign__in=campaigns)
    total: dict[int, int] = {}
    failed: dict[int, int] = {}
    for pk, state, number in rows.values_list("campaign", "state").annotate(Count("pk")):
        total[pk] = total.get(pk, 0) + number
        if state == CampaignStation.State.FAILED:
            failed[pk] = number
    return {pk: 100 * failed.get(pk, 0) / total[pk] for pk in total}
