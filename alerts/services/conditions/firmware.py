"""The condition of stations whose last update of the firmware has failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import Count, Exists, OuterRef

from alerts.models import Severity
from alerts.services.codes import attempts
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from chargepoints.models import CampaignStation, FirmwareUpdate
from chargepoints.services.firmware.progress import same_version

_MOST: Final = 2000
_State: Final = FirmwareUpdate.State
_COLUMNS: Final = (
    "charge_point",
    "charge_point__identity",
    "charge_point__site",
    "charge_point__firmware_version",
    "campaign",
    "version",
    "fault",
)


def failed(look: Look) -> Found:
    """Stations whose last ended update has failed. A repetition that is under way changes nothing yet."""
    code = attempts.FIRMWARE.name
    since = look.now - timedelta(seconds=look.rules.highest(code, "within_s"))
    later = FirmwareUpdate.objects.order_by().filter(
        charge_point=OuterRef("charge_point"),
        pk__gt=OuterRef("pk"),
        state__in=(_State.INSTALLED, _State.FAILED, _State.SILENT),
    )
    rows = FirmwareUpdate.objects.order_by().filter(
        ~Exists(later), state__in=(_State.FAILED, _State.SILENT), finished_at__gte=since
    )
    selected = list(rows.values_list("finished_at", *_COLUMNS)[:_MOST])
    percents = _percents({campaign for *_, campaign, _, _ in selected if campaign is not None})
    found = []
    for ended, station, identity, site, present, campaign, version, fault in selected:
        limits = look.rules.of(code, station=station, site=site).parameters
        assert ended is not None  # by the filter
        is_old = look.now - ended > timedelta(seconds=limits["within_s"])
        if is_old or (version and same_version(present, version)):
            continue
        is_critical = campaign is not None and percents.get(campaign, 0.0) >= limits["percent"]
        found.append(
            Finding(
                code=code,
                # The number of the campaign, or nothing: the alert of the campaign explains this one.
                key=key_of(code, campaign or "", identity),
                title=f"The update of {identity} to {version or 'another firmware'} failed",
                detail=fault,
                station=identity,
                charge_point=station,
                site=site,
                severity=Severity.CRITICAL if is_critical else None,
            )
        )
    return Found(found, is_complete=len(selected) < _MOST)


def _percents(campaigns: set[int]) -> dict[int, float]:
    """The part of the stations of each campaign that has failed."""
    rows = CampaignStation.objects.order_by().filter(campaign__in=campaigns) if campaigns else None
    if rows is None:
        return {}
    total: dict[int, int] = {}
    failed: dict[int, int] = {}
    for pk, state, number in rows.values_list("campaign", "state").annotate(Count("pk")):
        total[pk] = total.get(pk, 0) + number
        if state == CampaignStation.State.FAILED:
            failed[pk] = number
    return {pk: 100 * failed.get(pk, 0) / total[pk] for pk in total}
