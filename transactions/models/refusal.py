"""Refused tokens: one row per refusal with its reason, for support calls."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Token
from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class Refusal(models.Model):
    """A refused token. Append-only; the newest rows of a station are kept."""

    class Purpose(models.TextChoices):
        AUTHORIZE = "authorize", _("Presented at the station")
        START = "start", _("Start of a session")
        STOP = "stop", _("End of a session")
        REMOTE = "remote", _("Remote start")
        # An Authorize with a contract certificate or its hash data (2.x C07).
        CONTRACT = "contract", _("Plug & Charge")

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="refusals", db_index=False
    )
    evse_number = models.PositiveIntegerField(null=True, blank=True)
    token = models.ForeignKey(
        Token, null=True, blank=True, on_delete=models.SET_NULL, related_name="refusals"
    )
    id_token = models.CharField(
        max_length=255, blank=True, default="", db_index=True, help_text=_("As presented.")
    )
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    status = models.CharField(max_length=32, help_text=_("The status of OCPP 2.x; 1.6 has fewer."))
    reason = models.CharField(max_length=300)
    at = models.DateTimeField(_("time"), db_index=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-at"]
        verbose_name = _("refused token")
        verbose_name_plural = _("refused tokens")
        indexes = [models.Index(fields=["charge_point", "-at"], name="refusal_by_station")]

    def __str__(self) -> str:
        return f"{self.id_token}: {self.reason}"
