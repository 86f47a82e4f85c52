"""Sums of an hour: of a connector, and of a contract at a station.

An hour is an hour of UTC. Hours without energy, session and outage have no row. The rows follow from
sessions, outages and maintenance windows (`services.counting`), and can be counted again at any time.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract
from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class Sums(models.Model):
    """The columns that both kinds of rows have."""

    hour = models.DateTimeField(help_text=_("The begin of an hour of UTC."))
    energy_mwh = models.BigIntegerField(default=0, help_text=_("In thousandths of a Wh."))
    sessions = models.PositiveIntegerField(default=0, help_text=_("Sessions that began in the hour."))
    occupied_s = models.PositiveIntegerField(default=0, help_text=_("Seconds with a running session."))

    class Meta:
        abstract = True


class ConnectorHour(Sums):
    """An hour of a connector. Number 0: a session whose connector the station has not named."""

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("station")
    )
    evse_number = models.PositiveIntegerField(_("EVSE"))
    connector_number = models.PositiveIntegerField(_("connector"))
    down_s = models.PositiveIntegerField(default=0, help_text=_("Seconds of outages."))
    excluded_s = models.PositiveIntegerField(
        default=0, help_text=_("Seconds of outages in maintenance windows.")
    )
    evse_down_s = models.PositiveIntegerField(
        default=0, help_text=_("Seconds in which no connector of the EVSE could be used.")
    )
    evse_excluded_s = models.PositiveIntegerField(
        default=0, help_text=_("Those of them in maintenance windows.")
    )

    objects = SiteManager()

    class Meta:
        ordering = ["-hour", "charge_point", "evse_number", "connector_number"]
        verbose_name = _("hour of a connector")
        verbose_name_plural = _("hours of connectors")
        constraints = [
            models.UniqueConstraint(
                fields=["charge_point", "hour", "evse_number", "connector_number"],
                name="connector_hour_unique",
            )
        ]
        indexes = [models.Index(fields=["hour"], name="connector_hour_by_hour")]

    def __str__(self) -> str:
        place = f"{self.charge_point}, EVSE {self.evse_number}, connector {self.connector_number}"
        return f"{place}: {self.hour:%Y-%m-%d %H:%M}"


class ContractHour(Sums):
    """An hour of the sessions with the tokens of a contract at a station."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="+", db_index=False)
    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("station")
    )

    objects = SiteManager()

    class Meta:
        ordering = ["-hour", "contract", "charge_point"]
        verbose_name = _("hour of a contract")
        verbose_name_plural = _("hours of contracts")
        constraints = [
            models.UniqueConstraint(fields=["contract", "hour", "charge_point"], name="contract_hour_unique")
        ]
        indexes = [models.Index(fields=["charge_point", "hour"], name="contract_hour_by_station")]

    def __str__(self) -> str:
        return f"{self.contract} at {self.charge_point}: {self.hour:%Y-%m-%d %H:%M}"
