"""Quarantine: transaction messages that could not be applied. Answered, kept, and shown to the operator."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from transactions.models.transaction import Transaction


class QuarantinedMessageQuerySet(models.QuerySet["QuarantinedMessage"]):
    def open(self) -> QuarantinedMessageQuerySet:
        return self.filter(resolved_at__isnull=True)

    def waiting_stops(self, *charge_points: int) -> QuarantinedMessageQuerySet:
        """Stops of these stations without a transaction: the start may still come from a station's queue."""
        return self.open().filter(
            charge_point__in=charge_points,
            action="StopTransaction",
            reason=QuarantinedMessage.Reason.UNKNOWN_TRANSACTION,
            received_at__gte=timezone.now() - timedelta(days=7),
        )


class QuarantinedMessage(models.Model):
    """A transaction message that matches no transaction or contradicts the stored one. Rows are kept."""

    class Reason(models.TextChoices):
        UNKNOWN_TRANSACTION = "unknown-transaction", _("Session not found at this station")
        FOREIGN_TRANSACTION = "foreign-transaction", _("The session belongs to another station")
        CONFLICTING_STOP = "conflicting-stop", _("The session was stopped before with other values")
        CONFLICTING_EVENT = "conflicting-event", _("Sequence number repeated with other content")
        BAD_MESSAGE = "bad-message", _("Content that could not be applied")

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="quarantined_messages"
    )
    transaction = models.ForeignKey(
        Transaction, null=True, blank=True, on_delete=models.SET_NULL, related_name="quarantined_messages"
    )
    action = models.CharField(max_length=64)
    reason = models.CharField(max_length=32, choices=Reason.choices)
    detail = models.CharField(max_length=500, blank=True, default="")
    payload = models.TextField(help_text=_("JSON as received."))
    received_at = models.DateTimeField(db_index=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = SiteManager.from_queryset(QuarantinedMessageQuerySet)()

    class Meta:
        ordering = ["-received_at"]
        indexes = [
            models.Index(
                fields=["-received_at"],
                condition=models.Q(resolved_at__isnull=True),
                name="open_quarantined_message",
            )
        ]

    def __str__(self) -> str:
        return f"{self.charge_point}: {self.action}, {self.get_reason_display()}"
