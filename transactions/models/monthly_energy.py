"""The energy of a station in a month, summed from its sessions so that reports do not read them all."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class MonthlyEnergy(models.Model):
    """The ended sessions of a station that began in one month, which is a month of TIME_ZONE.

    `services.metering.months` derives the rows from the sessions; they can be deleted at any time.
    """

    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="+", db_index=False)
    month = models.DateField(help_text=_("The first day of the month."))
    sessions = models.PositiveIntegerField()
    suspect_sessions = models.PositiveIntegerField()
    energy_mwh = models.BigIntegerField(help_text=_("In thousandths of a Wh."))
    summed_at = models.DateTimeField(help_text=_("Sessions that had ended by then are in the sum."))

    objects = SiteManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["charge_point", "month"], name="monthly_energy_unique"),
        ]
        indexes = [models.Index(fields=["month"], name="monthly_energy_by_month")]

    def __str__(self) -> str:
        return f"{self.charge_point} {self.month:%Y-%m}"


class MonthlyEnergyProgress(models.Model):
    """One row: up to which change of sessions the sums are complete."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    summed_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.summed_until:%Y-%m-%d %H:%M:%S}"
