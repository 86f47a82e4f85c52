"""The section of the station page with its firmware updates."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from chargepoints.models import ChargePoint, FirmwareUpdate
from ocpp_server.admin import cells, tones

MOST = 5


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The newest updates, the newest first."""
    found = charge_point.firmware_updates.select_related("firmware", "campaign").order_by("-pk")[:MOST]
    return [_row(update) for update in found]


def _row(update: FirmwareUpdate) -> cells.Row:
    page = reverse("admin:chargepoints_firmwareupdate_change", args=[update.pk])
    tone = tones.FIRMWARE_UPDATE[update.state]
    return [
        cells.text(update.version or gettext("Unknown"), href=page, note=_source(update)),
        cells.label(update.get_state_display(), tone, note=update.fault),
        cells.text(update.status or "–"),
        cells.text(update.previous_version or "–"),
        _asked_by(update),
        cells.moment(update.created_at),
    ]


def _source(update: FirmwareUpdate) -> str:
    return str(update.firmware) if update.firmware else update.location


def _asked_by(update: FirmwareUpdate) -> Any:
    if update.campaign is None:
        return cells.text(update.actor or "–")
    page = reverse("admin:chargepoints_campaign_change", args=[update.campaign.pk])
    return cells.text(update.campaign.name, href=page)
