"""Remote starts with limits or a payment, noted before they are sent."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class RequestedStart(models.Model):
    """A remote start that promised more than its message says: limits of the session, or that it is paid.

    The key is the id of the command. The row exists before the command is sent, because some stations send
    the session before the answer.
    """

    id = models.CharField(primary_key=True, max_length=36, editable=False)
    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="requested_starts", db_index=False
    )
    remote_start_id = models.BigIntegerField()
    payment = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text=_("The reference of the payment, which is the token (2.1 DirectPayment)."),
    )
    limits = models.JSONField(help_text=_("2.1: the limits of the session."))
    is_cancelled = models.BooleanField(default=False, help_text=_("No session may use the payment."))
    created_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["payment", "charge_point"], name="requested_start_by_payment"),
            models.Index(fields=["created_at"], name="requested_start_by_age"),
        ]

    def __str__(self) -> str:
        return self.id
