"""The section of the station page with the changes of its security profile."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext

from chargepoints.models import ChargePoint, SecurityProfileChange
from ocpp_server.admin import cells, tones

MOST = 5


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The newest changes, the newest first."""
    return [_row(change) for change in charge_point.security_profile_changes.order_by("-pk")[:MOST]]


def _row(change: SecurityProfileChange) -> cells.Row:
    page = reverse("admin:chargepoints_securityprofilechange_change", args=[change.pk])
    words = gettext("From %(previous)s to %(target)s") % {
        "previous": change.previous,
        "target": change.target,
    }
    tone = tones.SECURITY_PROFILE_CHANGE[change.state]
    return [
        cells.text(words, href=page, note=change.csms_url),
        cells.label(change.get_state_display(), tone, note=change.reason),
        cells.text(_steps(change)),
        cells.text(change.actor or "–", note=change.justification),
        cells.moment(change.created_at),
    ]


def _steps(change: SecurityProfileChange) -> str:
    """The steps so far, each with the answer of the station."""
    states = dict(SecurityProfileChange.State.choices)
    words = (
        ": ".join(filter(None, (str(states.get(step["state"], step["state"])), step["answer"])))
        for step in change.steps
    )
    return ", ".join(words) or "–"
