"""The recipients of an alert: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.models import Alert, AlertRecipient, Severity
from alerts.services.notices import quiet_hours
from alerts.services.notices.timing import Habits
from ocpp_server.domain import Invalid

UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Choice:
    """The alerts that a recipient has chosen. `sites` and `codes` are empty for all."""

    min_severity: Severity
    sites: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    only_escalations: bool = False

    def wants(self, *, code: str, severity: Severity, site: int | None) -> bool:
        """Whether it gets this alert without an escalation."""
        return (
            not self.only_escalations
            and severity.rank >= self.min_severity.rank
            and (not self.codes or code in self.codes)
            and (not self.sites or site in self.sites)
        )


def may_get(recipient: AlertRecipient, site: int | None) -> bool:
    """Whether the operator of a recipient may see alerts of this site: logins may be limited to sites."""
    limit: list[int] | None = getattr(recipient.user, "site_ids", None)
    if recipient.user is None or recipient.user.is_superuser or limit is None:
        return True
    return site in limit


def choice_of(recipient: AlertRecipient) -> Choice:
    """Reads its sites: they should be prefetched."""
    return Choice(
        Severity(recipient.min_severity),
        frozenset(site.pk for site in recipient.sites.all()),
        frozenset(recipient.codes),
        recipient.only_escalations,
    )


def wanted(
    alert: Alert, choices: Mapping[int, Choice], channels: Mapping[int, str], allowed: Collection[str]
) -> list[int]:
    """The recipients of an alert, by their primary keys; `allowed` are the channels of its rule, or empty."""
    severity = Severity(alert.severity)
    return [
        pk
        for pk, choice in choices.items()
        if choice.wants(code=alert.code, severity=severity, site=alert.site_id)
        and (not allowed or channels[pk] in allowed)
    ]


def address_of(recipient: AlertRecipient) -> str:
    """The address to which mails go; empty for an operator without one, or who may not sign in any more."""
    if recipient.user is None:
        return recipient.address
    if not recipient.user.is_active or recipient.user.erased_at is not None:
        return ""
    return recipient.address or recipient.user.email


def habits_of(recipient: AlertRecipient) -> Habits:
    return Habits(
        zone=zone_of(recipient),
        windows=_windows(recipient.quiet_hours),
        digest=recipient.digest,
        is_reachable=recipient.is_enabled and bool(address_of(recipient)),
    )


def zone_of(recipient: AlertRecipient) -> ZoneInfo:
    """UTC where the zone is unknown to this machine: a notice must not be lost by it."""
    try:
        return ZoneInfo(recipient.timezone)
    except (KeyError, ValueError, OSError):
        return UTC


def _windows(stored: Any) -> tuple[quiet_hours.Window, ...]:
    """None where the stored value can't be read: a notice at night is better than no notice."""
    try:
        return quiet_hours.parse(stored)
    except Invalid:
        return ()
