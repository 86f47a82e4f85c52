"""Distributed energy resources (2.1 R): the controls of stations and their alarms."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from ocpp_server.sites import SiteManager
from smart_charging.models.keys import KEY_CHARACTERS


class DerControl(models.Model):
    """A control that a station has, or had: a curve, a droop, a limit. Its key is made from the station and
    the controlId.
    """

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted by the station")
        REPORTED = "reported", _("Reported by the station")
        SUPERSEDED = "superseded", _("Superseded")
        CLEARED = "cleared", _("Cleared")
        MISSING = "missing", _("Not found at the station")

    id = models.CharField(primary_key=True, max_length=KEY_CHARACTERS, editable=False)
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="der_controls",
        db_index=False,
        verbose_name=_("station"),
    )
    command = models.ForeignKey(
        Command,
        null=True,
        on_delete=models.SET_NULL,
        related_name="der_controls",
        help_text=_("The command that brought it; none for a control that the station reported."),
    )
    control_id = models.CharField(_("control ID"), max_length=64)
    control_type = models.CharField(_("type"), max_length=64, blank=True, default="")
    is_default = models.BooleanField(_("default"), default=False)
    priority = models.BigIntegerField(null=True, help_text=_("The lower value counts."))
    settings = models.JSONField(default=dict, help_text=_("As the station got or reported them."))
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACCEPTED)
    # The station's last NotifyDERStartStop about it.
    is_running = models.BooleanField(_("at work"), null=True)
    run_changed_at = models.DateTimeField(_("started or ended"), null=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    reported_at = models.DateTimeField(_("reported"), null=True)
    updated_at = models.DateTimeField(editable=False)

    objects = SiteManager()

    class Meta:
        ordering = ["-updated_at"]
        verbose_name = _("DER control")
        verbose_name_plural = _("DER controls")
        indexes = [
            models.Index(fields=["charge_point", "-updated_at"], name="der_control_by_station"),
            models.Index(fields=["-updated_at"], name="der_control_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.control_type} {self.control_id}"

    @property
    def is_current(self) -> bool:
        return self.state in CURRENT


# The states of controls that the station has.
CURRENT = frozenset({DerControl.State.ACCEPTED, DerControl.State.REPORTED, DerControl.State.SUPERSEDED})


class DerAlarm(models.Model):
    """A fault of the grid that a control of a station has seen (2.1 R05). Its key is made from the station,
    the type of the control and the kind of fault: the next one of the same kind opens it again.
    """

    id = models.CharField(primary_key=True, max_length=KEY_CHARACTERS, editable=False)
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="der_alarms",
        db_index=False,
        verbose_name=_("station"),
    )
    control_type = models.CharField(_("type of control"), max_length=64)
    fault = models.CharField(
        max_length=64, blank=True, default="", help_text=_("The gridEventFault; empty if not named.")
    )
    info = models.CharField(max_length=255, blank=True, default="", help_text=_("The extraInfo."))
    opened_at = models.DateTimeField(_("opened"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    updated_at = models.DateTimeField(editable=False)

    objects = SiteManager()

    class Meta:
        ordering = ["-updated_at"]
        verbose_name = _("grid fault")
        verbose_name_plural = _("grid faults")
        indexes = [
            models.Index(fields=["charge_point", "-updated_at"], name="der_alarm_by_station"),
            models.Index(fields=["-updated_at"], name="der_alarm_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.control_type} {self.fault}".strip()

    @property
    def is_open(self) -> bool:
        return self.ended_at is None
