"""Messages that follow a command, and the reports that stations send in parts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from chargepoints.models.command import Command
from ocpp_server.sites import SiteManager
from ocpp_server.storage.fields import CompressedTextField


class FollowUp(models.Model):
    """One message that follows a command, such as NotifyReport, as it was received."""

    # The columns to read for `payload`: a row of an earlier release has it in the second.
    TEXT: ClassVar = ("payload", "payload_text")

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="follow_ups", db_index=False
    )
    command = models.ForeignKey(
        Command,
        null=True,
        on_delete=models.SET_NULL,
        related_name="follow_ups",
        help_text=_("The command with the same request ID, if this server sent it."),
    )
    action = models.CharField(max_length=64)
    request_id = models.BigIntegerField(
        _("request ID"), null=True, help_text=_("Of a ReservationStatusUpdate, the reservation's ID.")
    )
    reference = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text=_("What the message is about: a reservation, an EVSE."),
    )
    seq_no = models.BigIntegerField(_("part"), null=True)
    is_last = models.BooleanField(default=True, help_text=_("The station announced no further part."))
    status = models.CharField(max_length=64, blank=True, default="")
    payload = CompressedTextField(
        null=True,
        db_column="payload_packed",
        before="payload_text",
        help_text=_("As received, secrets and personal data masked."),
    )
    # Only rows of the releases that stored plain texts have one.
    payload_text = models.TextField(db_column="payload", default="", editable=False)
    personal_data = models.TextField(
        blank=True, default="", editable=False, help_text=_("Encrypted; deleted after 30 days.")
    )
    fingerprint = models.CharField(max_length=32, editable=False)
    received_at = models.DateTimeField(db_index=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        constraints = [
            models.UniqueConstraint(fields=["charge_point", "fingerprint"], name="follow_up_once"),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="follow_up_by_station"),
            models.Index(fields=["charge_point", "action", "request_id"], name="follow_up_by_request"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.reference or self.request_id or ''}".strip()


class ReportAssembly(models.Model):
    """A report that a station sends in parts. The row is computed from the stored parts and can be lost."""

    class State(models.TextChoices):
        COLLECTING = "collecting", _("Receiving")
        COMPLETE = "complete", _("Complete")
        INCOMPLETE = "incomplete", _("Incomplete")

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="reports", db_index=False
    )
    command = models.ForeignKey(Command, null=True, on_delete=models.SET_NULL, related_name="reports")
    action = models.CharField(max_length=64)
    request_id = models.BigIntegerField(_("request ID"))
    state = models.CharField(max_length=16, choices=State.choices, default=State.COLLECTING)
    parts = models.PositiveIntegerField(default=0)
    doubles = models.PositiveIntegerField(
        default=0, help_text=_("Parts with a number that another part of the report has too.")
    )
    missing = models.BigIntegerField(default=0, help_text=_("Parts missing between those received."))
    highest_seq_no = models.BigIntegerField(_("highest part"), null=True)
    has_last = models.BooleanField(_("has the last part"), default=False)
    started_at = models.DateTimeField(help_text=_("Time of the command, or of the first part without one."))
    last_at = models.DateTimeField(_("last part"))

    objects = SiteManager()

    class Meta:
        ordering = ["-started_at"]
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [
            models.UniqueConstraint(
                fields=["charge_point", "action", "request_id", "started_at"], name="report_once"
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-started_at"], name="report_by_station"),
            models.Index(fields=["state", "last_at"], name="report_by_deadline"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.request_id}"

    @property
    def gap(self) -> str:
        """The missing parts in a few words; empty for a complete report."""
        if self.state == self.State.COMPLETE:
            return ""
        if not self.parts:
            return gettext("no part received")
        if self.missing:
            return ngettext(
                "%(count)d part missing", "%(count)d parts missing", min(self.missing, 2**31 - 1)
            ) % {"count": self.missing}
        return gettext("last part missing")
