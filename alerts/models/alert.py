"""Alerts: one cause each, however often it is noticed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from alerts.models.rule import AlertRule
from alerts.models.severity import Severity
from chargepoints.models import ChargePoint, Site
from ocpp_server.sites import SiteManager

_SHORT = 80


class AlertQuerySet(models.QuerySet["Alert"]):
    def unresolved(self) -> AlertQuerySet:
        return self.filter(resolved_at__isnull=True)


class Alert(models.Model):
    """A cause of one rule, from its opening to its end. `key` names the cause; at most one unresolved alert
    has it. Opened again soon after its end it is the same row, with the next episode.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        RESOLVED = "resolved", _("Resolved")

    class Resolution(models.TextChoices):
        RECOVERED = "recovered", _("The cause ended")
        FIXED = "fixed", _("Fixed")
        FALSE_ALARM = "false-alarm", _("False alarm")
        SUPERSEDED = "superseded", _("Part of another alert")
        RULE_REMOVED = "rule-removed", _("The rule was disabled")
        REMOVED = "removed", _("The station was deleted")

    class Suppression(models.TextChoices):
        """Why nothing is sent about an alert that is open."""

        INHIBITED = "inhibited", _("Because of another alert")
        MAINTENANCE = "maintenance", _("In maintenance")

    rule = models.ForeignKey(
        AlertRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts"
    )
    code = models.CharField(max_length=32)
    key = models.CharField(max_length=400, help_text=_("Names the cause."))
    # The identity stays when the station is deleted.
    station = models.CharField(max_length=255, blank=True, default="", help_text=_("The station's identity."))
    charge_point = models.ForeignKey(
        ChargePoint,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="alerts",
        db_index=False,
        verbose_name=_("station"),
    )
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts", db_index=False
    )
    evse_number = models.PositiveIntegerField("EVSE", null=True, blank=True)
    connector_number = models.PositiveIntegerField(_("connector"), null=True, blank=True)
    transaction_id = models.BigIntegerField(_("session"), null=True, blank=True)

    severity = models.CharField(max_length=8, choices=Severity.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    title = models.CharField(max_length=200)
    detail = models.TextField(blank=True, default="")
    what_to_do = models.TextField(blank=True, default="")
    values = models.JSONField(default=dict, blank=True, help_text=_("The first, last and highest value."))
    count = models.PositiveIntegerField(default=1, help_text=_("How often it was noticed."))
    episode = models.PositiveIntegerField(default=1, help_text=_("How often it was opened."))

    suppression = models.CharField(max_length=16, choices=Suppression.choices, blank=True, default="")
    inhibited_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="inhibits"
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="assigned_alerts",
    )
    acknowledged_by = models.CharField(max_length=150, blank=True, default="")
    resolved_by = models.CharField(
        max_length=150, blank=True, default="", help_text=_("`server` when the cause ended.")
    )
    resolution = models.CharField(max_length=16, choices=Resolution.choices, blank=True, default="")
    # Resolved by hand while the condition held: the same cause opens nothing until it was over once.
    is_muted = models.BooleanField(
        _("muted"), default=False, help_text=_("Opens again when its cause was over and returns.")
    )

    opened_at = models.DateTimeField(help_text=_("The last time it was opened."))
    last_seen_at = models.DateTimeField(help_text=_("When the cause was noticed last."))
    # The condition is over, for less than the time after which the alert resolves.
    recovering_since = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    # Stays when the acknowledgement lapses: the time to the first reaction is in the statistics.
    first_acknowledged_at = models.DateTimeField(null=True, blank=True, editable=False)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager.from_queryset(AlertQuerySet)()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(resolved_at__isnull=True), name="alert_once_by_key"
            ),
            models.CheckConstraint(
                condition=(Q(state="resolved") & Q(resolved_at__isnull=False))
                | (~Q(state="resolved") & Q(resolved_at__isnull=True)),
                name="alert_resolved_with_time",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="alert_by_state"),
            models.Index(fields=["severity", "-id"], name="alert_by_severity"),
            models.Index(fields=["code", "-id"], name="alert_by_code"),
            models.Index(fields=["charge_point", "-id"], name="alert_by_charge_point"),
            models.Index(fields=["station", "-id"], name="alert_by_station"),
            models.Index(fields=["site", "-id"], name="alert_by_site"),
            models.Index(fields=["key", "-id"], name="alert_by_key"),
            models.Index(fields=["resolved_at"], name="alert_by_end"),
            models.Index(fields=["updated_at"], name="alert_by_change"),
            # SQLite uses a partial index only for a condition without a value.
            models.Index(
                fields=["opened_at"], condition=Q(resolved_at__isnull=True), name="alert_unresolved"
            ),
            models.Index(fields=["key"], condition=Q(is_muted=True), name="alert_muted"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_recovering(self) -> bool:
        """Whether the cause is over, for less than the time after which the alert resolves."""
        return self.recovering_since is not None


class AlertNote(models.Model):
    """A comment of an operator about an alert."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notes", db_index=False)
    text = models.TextField(max_length=2000)
    author = models.CharField(max_length=150, help_text=_("The operator or the API key that wrote it."))
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SiteManager()
    site_through = ("alert",)

    class Meta:
        ordering = ["id"]
        verbose_name = _("note about an alert")
        verbose_name_plural = _("notes about alerts")
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="alert_note_has_text")]
        indexes = [models.Index(fields=["alert", "id"], name="alert_note_by_alert")]

    def __str__(self) -> str:
        return self.text if len(self.text) <= _SHORT else f"{self.text[: _SHORT - 1]}…"
