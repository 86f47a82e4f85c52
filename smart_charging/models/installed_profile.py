"""Charging profiles that stations have accepted."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from ocpp_server.sites import SiteManager
from transactions.models import Transaction

# The chargingLimitSource of the profiles that this server sends.
OUR_SOURCE = "CSO"


def new_key() -> str:
    """A key that is known before the row is stored: the profile that replaces this one updates it by key."""
    return str(uuid.uuid4())


class InstalledProfileQuerySet(models.QuerySet["InstalledProfile"]):
    def current(self) -> InstalledProfileQuerySet:
        """The profiles that the station has, as far as its answers show."""
        return self.filter(ended_at__isnull=True)


class InstalledProfile(models.Model):
    """A charging profile that a station has accepted, and what became of it.

    OCPP 1.6 can't ask a station for its profiles, so the rows are what its answers show. The profile that
    replaces another one has a row of its own.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for the session")
        INSTALLED = "installed", _("Installed")
        UNVERIFIED = "unverified", _("Unknown since the last boot")
        REPLACED = "replaced", _("Replaced")
        CLEARED = "cleared", _("Cleared")
        MISSING = "missing", _("Not found at the station")
        ENDED = "ended", _("Session ended")
        UNUSED = "unused", _("No session began")

    id = models.CharField(primary_key=True, max_length=36, default=new_key, editable=False)
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="installed_profiles",
        db_index=False,
        verbose_name=_("station"),
    )
    command = models.ForeignKey(
        Command,
        null=True,
        on_delete=models.SET_NULL,
        related_name="installed_profiles",
        help_text=_("The command that brought it; none for a profile that the station reported."),
    )
    transaction = models.ForeignKey(
        Transaction,
        null=True,
        on_delete=models.SET_NULL,
        related_name="installed_profiles",
        verbose_name=_("session"),
        help_text=_("Of a TxProfile."),
    )
    profile_id = models.BigIntegerField(_("profile ID"), help_text=_("The chargingProfileId."))
    evse_number = models.PositiveIntegerField(_("EVSE"), help_text=_("0 for the whole station."))
    purpose = models.CharField(max_length=64, help_text=_("By its 2.x name."))
    stack_level = models.BigIntegerField()
    kind = models.CharField(max_length=32)
    source = models.CharField(
        max_length=64,
        default=OUR_SOURCE,
        db_default=OUR_SOURCE,
        help_text=_("CSO for a profile of this server; another chargingLimitSource set it otherwise."),
    )
    payload = models.JSONField(help_text=_("The profile as the station got it."))
    state = models.CharField(max_length=16, choices=State.choices, default=State.INSTALLED)
    waits_until = models.DateTimeField(null=True, help_text=_("Of a profile that waits for its session."))
    is_planned = models.BooleanField(
        _("planned"),
        default=False,
        db_default=False,
        help_text=_("The server has sent it for the needs of a vehicle."),
    )
    dynamic = models.JSONField(
        null=True, help_text=_("Of a dynamic profile (2.1): the limits and setpoints that hold now.")
    )
    update_interval_s = models.PositiveIntegerField(
        _("update interval in s"),
        null=True,
        help_text=_("Of a dynamic profile with dynUpdateInterval whose limits this server sets."),
    )
    push_at = models.DateTimeField(
        _("next update"),
        null=True,
        help_text=_("When the server sends the limits if the station has not asked for them."),
    )
    resumed_at = models.DateTimeField(
        _("session resumed"),
        null=True,
        help_text=_("When its session went on after a restart: the server sends the profile again."),
    )
    installed_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(
        _("reported"), null=True, help_text=_("When the station last reported it.")
    )
    ended_at = models.DateTimeField(null=True)

    objects = SiteManager.from_queryset(InstalledProfileQuerySet)()

    class Meta:
        ordering = ["-installed_at"]
        verbose_name = _("charging profile")
        verbose_name_plural = _("charging profiles")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, state__in=("waiting", "installed", "unverified"))
                | models.Q(
                    ended_at__isnull=False, state__in=("replaced", "cleared", "missing", "ended", "unused")
                ),
                name="charging_profile_ends_once",
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-installed_at"], name="charging_profile_by_station"),
            models.Index(
                fields=["charge_point"],
                condition=models.Q(ended_at__isnull=True),
                name="charging_profile_current",
            ),
            models.Index(fields=["-installed_at"], name="charging_profile_by_time"),
            models.Index(
                fields=["push_at"],
                condition=models.Q(ended_at__isnull=True, push_at__isnull=False),
                name="charging_profile_to_push",
            ),
            models.Index(
                fields=["ended_at"],
                condition=models.Q(ended_at__isnull=False),
                name="charging_profile_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.profile_id}"

    @property
    def is_current(self) -> bool:
        return self.ended_at is None

    @property
    def limits(self) -> str:
        """The lowest and the highest limit of its schedules, such as `6-16 A`; empty without one."""
        schedules = self.payload.get("chargingSchedule") or []
        found = [schedules] if isinstance(schedules, dict) else schedules
        limits = [
            period["limit"]
            for schedule in found
            for period in schedule.get("chargingSchedulePeriod") or []
            if period.get("limit") is not None
        ]
        if not limits:
            return ""
        low, high = min(limits), max(limits)
        shown = f"{low:g}" if low == high else f"{low:g}-{high:g}"
        return f"{shown} {found[0].get('chargingRateUnit', '')}".strip()
