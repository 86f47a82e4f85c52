"""The stations that are still to be counted, and the progress of the job."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class Recount(models.Model):
    """A station whose hours are to be counted again from a time on."""

    charge_point = models.OneToOneField(
        ChargePoint, primary_key=True, on_delete=models.CASCADE, related_name="+", verbose_name=_("station")
    )
    since = models.DateTimeField()
    marked_at = models.DateTimeField()
    marks = models.PositiveIntegerField(default=1, help_text=_("Rises with every mark."))

    objects = SiteManager()

    class Meta:
        indexes = [models.Index(fields=["marked_at"], name="recount_by_mark")]

    def __str__(self) -> str:
        return f"{self.charge_point} since {self.since:%Y-%m-%d %H:%M}"


class Progress(models.Model):
    """One row: up to where sessions, events and running sessions were read. Null: not at all."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    sessions_until = models.DateTimeField(null=True)
    position = models.BigIntegerField(null=True, help_text=_("The position of the last event."))
    compared_at = models.DateTimeField(null=True, help_text=_("The last comparison with the stations."))
    running_until = models.DateTimeField(null=True, help_text=_("The last count of running sessions."))

    def __str__(self) -> str:
        return f"{self.sessions_until}, {self.position}"
