"""The charging profiles and external limits on the station page."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext

from chargepoints.models import ChargePoint
from ocpp_server.admin import cells, tones
from smart_charging.models import ExternalLimit, InstalledProfile

FEW = 10


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The profiles that the station has, the newest first."""
    current = InstalledProfile.objects.current().filter(charge_point=charge_point)
    return [_row(profile) for profile in current.order_by("-installed_at", "-pk")[:FEW]]


def _row(profile: InstalledProfile) -> cells.Row:
    session = profile.transaction_id
    return [
        cells.text(
            profile.purpose,
            href=reverse("admin:smart_charging_installedprofile_change", args=[profile.pk]),
            note=str(profile.profile_id),
        ),
        cells.text(profile.evse_number or gettext("Whole station")),
        cells.text(profile.limits or "–"),
        cells.text(profile.stack_level),
        cells.text(
            session or "–",
            href=reverse("admin:transactions_transaction_change", args=[session]) if session else "",
        ),
        cells.label(profile.get_state_display(), tones.PROFILE.get(profile.state, "")),
        cells.moment(profile.installed_at),
    ]


def limits(charge_point: ChargePoint) -> list[cells.Row]:
    """The external limits in force, the newest first."""
    found = ExternalLimit.objects.in_force().filter(charge_point=charge_point)
    return [_limit(limit) for limit in found.order_by("-set_at", "-pk")[:FEW]]


def _limit(limit: ExternalLimit) -> cells.Row:
    shown = InstalledProfile(payload={"chargingSchedule": limit.schedules}).limits
    critical = gettext("Critical for the grid") if limit.is_grid_critical else ""
    return [
        cells.text(
            limit.source,
            href=reverse("admin:smart_charging_externallimit_change", args=[limit.pk]),
            note=critical,
        ),
        cells.text(limit.evse_number or gettext("Whole station")),
        cells.text(shown or "–"),
        cells.moment(limit.set_at),
    ]
