"""A station that the server simulates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.sites import SiteManager

MOST_CONNECTORS: Final = 4
FASTEST: Final = 100
MOST_POWER_W: Final = 400_000


class VirtualStation(models.Model):
    """One virtual station. Its rows, sessions and commands are those of its charge point."""

    class Version(models.TextChoices):
        V16 = VERSIONS[0].label
        V201 = VERSIONS[1].label
        V21 = VERSIONS[2].label

    charge_point = models.OneToOneField(
        ChargePoint, on_delete=models.CASCADE, related_name="virtual_station", verbose_name=_("station")
    )
    ocpp_version = models.CharField(_("OCPP version"), max_length=8, choices=Version.choices)
    connectors = models.PositiveSmallIntegerField(default=1)
    power_w = models.PositiveIntegerField(_("power in W"), default=11_000)
    speed = models.PositiveSmallIntegerField(
        default=60, help_text=_("Seconds of charging in each real second.")
    )
    # As the process that runs the station has seen it last: `connectors` by their numbers, and `failures`.
    state = models.JSONField(default=dict, blank=True, editable=False)
    problem = models.CharField(
        max_length=300, blank=True, default="", editable=False, help_text=_("Why it is not connected.")
    )
    is_ending = models.BooleanField(
        default=False, editable=False, help_text=_("It is being deleted with all that belongs to it.")
    )
    last_used_at = models.DateTimeField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("virtual station")
        verbose_name_plural = _("virtual stations")

    def __str__(self) -> str:
        return self.charge_point.identity

    @property
    def identity(self) -> str:
        return self.charge_point.identity

    @property
    def ends_at(self) -> datetime:
        """When it is deleted, unless it is used again."""
        return self.last_used_at + timedelta(seconds=settings.SANDBOX_IDLE)
