"""Messages about money that could not be applied. Answered, kept, and shown to the operator."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

from chargepoints.models import ChargePoint
from transactions.models.transaction import Transaction


class QuarantinedMessageQuerySet(models.QuerySet["QuarantinedMessage"]):
    def open(self) -> QuarantinedMessageQuerySet:
        return self.filter(resolved_at__isnull=True)

    def waiting_stops(self, *charge_points: int) -> QuarantinedMessageQuerySet:
        """Stops of these stations without a transaction, whose start may still come (it was queued behind
        them).
        """
        return self.open().filter(
            charge_point__in=charge_points,
            action="StopTransaction",
            reason=QuarantinedMessage.Reason.UNKNOWN_TRANSACTION,
            received_at__gte=timezone.now() - timedelta(days=7),
        )


class QuarantinedMessage(models.Model):
    """A transaction message that matched nothing or contradicts what is stored. Nothing is thrown away."""

    class Reason(models.TextChoices):
        UNKNOWN_TRANSACTION = "unknown-transaction", "No such transaction at this station"
        FOREIGN_TRANSACTION = "foreign-transaction", "The transaction belongs to another station"
        CONFLICTING_STOP = "conflicting-stop", "The transaction was stopped before with other values"
        CONFLICTING_EVENT = "conflicting-event", "The same sequence number came before with other content"
        BAD_MESSAGE = "bad-message", "Content that could not be applied"

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="quarantined_messages"
    )
    transaction = models.ForeignKey(
        Transaction, null=True, blank=True, on_delete=models.SET_NULL, related_name="quarantined_messages"
    )
    action = models.CharField(max_length=64)
    reason = models.CharField(max_length=32, choices=Reason.choices)
    detail = models.CharField(max_length=500, blank=True, default="")
    payload = models.TextField(help_text="JSON as received.")
    received_at = models.DateTimeField(db_index=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = QuarantinedMessageQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.charge_point}: {self.action}, {self.get_reason_display()}"
