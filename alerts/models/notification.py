"""Notices about alerts: an outbox, and the log of what was sent."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from alerts.models.alert import Alert
from alerts.models.recipient import AlertRecipient
from ocpp_server.sites import SiteManager


class Notification(models.Model):
    """One notice about one alert to one recipient, written in the transaction that changes the alert. Notices
    that leave in one message have its `message_id` in common.
    """

    class Kind(models.TextChoices):
        OPENED = "opened", _("Opened")
        CHANGED = "changed", _("Severity rose, or opened again")
        REPEATED = "repeated", _("Repeated")
        ESCALATED = "escalated", _("Escalated")
        RESOLVED = "resolved", _("Resolved")
        TEST = "test", _("Test")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        SUPPRESSED = "suppressed", _("Not sent")

    class Why(models.TextChoices):
        """Why it waits or was not sent."""

        QUIET_HOURS = "quiet-hours", _("Quiet hours")
        DIGEST = "digest", _("Waits for the digest")
        INHIBITED = "inhibited", _("Because of another alert")
        MAINTENANCE = "maintenance", _("In maintenance")
        SNOOZED = "snoozed", _("Snoozed")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged before it was sent")
        RESOLVED = "resolved", _("Resolved before it was sent")
        REOPENED = "reopened", _("Opened again before it was sent")
        RATE = "rate", _("Too many in an hour")
        DISABLED = "disabled", _("The recipient is disabled")

    # Null for a test.
    alert = models.ForeignKey(
        Alert, null=True, blank=True, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    recipient = models.ForeignKey(
        AlertRecipient, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    channel = models.CharField(max_length=16, choices=AlertRecipient.Channel.choices)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    # The episode of the alert and the step of its escalation: the same notice is queued once.
    episode = models.PositiveIntegerField(default=1)
    step = models.PositiveSmallIntegerField(default=0)

    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    why = models.CharField(max_length=16, choices=Why.choices, blank=True, default="")
    error = models.CharField(max_length=500, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    message_id = models.CharField(max_length=255, blank=True, default="", help_text=_("Of the mail."))

    # Null when nothing more is due.
    due_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SiteManager()
    site_through = ("alert",)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "recipient", "kind", "episode", "step"], name="notification_once"
            )
        ]
        indexes = [
            models.Index(fields=["alert", "-id"], name="notification_by_alert"),
            models.Index(fields=["recipient", "-id"], name="notification_by_recipient"),
            models.Index(fields=["state", "-id"], name="notification_by_state"),
            models.Index(fields=["created_at"], name="notification_by_time"),
            # SQLite uses a partial index only for a condition without a value.
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="notification_due"),
            models.Index(
                fields=["sent_at"], condition=Q(sent_at__isnull=False), name="notification_by_sending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.alert or self.recipient}"
