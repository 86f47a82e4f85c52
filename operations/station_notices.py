"""The notices at the top of a station's page: what an operator has to know before anything else."""

from __future__ import annotations

from django.utils import formats, timezone
from django.utils.translation import gettext

from chargepoints.models import ChargePoint


def duplicate(charge_point: ChargePoint) -> str:
    """The warning about two devices with this identity; empty when there is none."""
    found = charge_point.duplicate
    if found is None:
        return ""
    older, newer = found["addresses"]
    since = timezone.localtime(found["since"])
    return gettext(
        "Two devices have used this identity since %(since)s: one at %(older)s and one at %(newer)s. The "
        "newer connection waits. Give one of them another identity, or set a password."
    ) % {"since": formats.date_format(since, "DATETIME_FORMAT"), "older": older, "newer": newer}


def unproved_password(charge_point: ChargePoint) -> str:
    """The notice about two accepted passwords; empty when there is one."""
    notice = gettext(
        "A new password was sent to this station, which has not logged on with it yet. Until then the "
        "present one is accepted too. A reset makes the station log on again."
    )
    return notice if charge_point.has_unproved_password else ""


def next_profile(charge_point: ChargePoint) -> str:
    """The notice about two admitted security profiles; empty when there is one."""
    if charge_point.next_security_profile is None:
        return ""
    change = charge_point.security_profile_changes.filter(ended_at__isnull=True).order_by("-pk").first()
    return gettext(
        "The security profile is being changed from %(present)s to %(following)s: both are admitted until "
        "the station has connected. %(state)s. %(reason)s"
    ) % {
        "present": charge_point.security_profile,
        "following": charge_point.next_security_profile,
        "state": change.get_state_display() if change else "",
        "reason": change.reason if change else "",
    }
