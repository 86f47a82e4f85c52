"""Remote starts and their outcomes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from ocpp_server.sites import SiteManager
from transactions.models.transaction import Transaction


class RemoteStart(models.Model):
    """A remote start and its outcome. 2.x links by remoteStartId, 1.6 by token and connector."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", _("Waiting for the vehicle")
        STARTED = "started", _("Charging started")
        REFUSED = "refused", _("Rejected by the station")
        NOTHING = "nothing", _("No session started: no vehicle plugged in?")

    command = models.OneToOneField(Command, on_delete=models.CASCADE, related_name="remote_start")
    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="remote_starts")
    evse_number = models.PositiveIntegerField(null=True, blank=True)
    id_token = models.CharField(max_length=255)
    id_token_type = models.CharField(
        max_length=32, blank=True, default="", db_default="", help_text=_("2.x IdTokenType; empty in 1.6.")
    )
    remote_start_id = models.BigIntegerField(
        null=True, blank=True, help_text=_("2.x: the remoteStartId of the request.")
    )
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.WAITING)
    transaction = models.ForeignKey(
        Transaction, null=True, blank=True, on_delete=models.SET_NULL, related_name="remote_starts"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["outcome", "expires_at"], name="remote_start_by_expiry")]

    def __str__(self) -> str:
        return f"{self.id_token} at {self.charge_point}: {self.get_outcome_display()}"
