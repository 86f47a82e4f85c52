"""Outages of stations and connectors, and since when the server knows a connector."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class Outage(models.Model):
    """A time in which a station was offline, or a connector reported Faulted or Unavailable.

    EVSE 0 is the station as a whole. `services.outages` keeps the rows.
    """

    class Cause(models.TextChoices):
        OFFLINE = "offline", _("Offline")
        FAULTED = "faulted", _("Faulted")
        UNAVAILABLE = "unavailable", _("Unavailable")

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="outages",
        db_index=False,
        verbose_name=_("station"),
    )
    evse_number = models.PositiveIntegerField(_("EVSE"))
    connector_number = models.PositiveIntegerField(_("connector"))
    cause = models.CharField(max_length=16, choices=Cause.choices)
    error_code = models.CharField(max_length=255, blank=True, default="")
    began_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        constraints = [
            models.UniqueConstraint(
                fields=["charge_point", "evse_number", "connector_number", "cause"],
                condition=Q(ended_at__isnull=True),
                name="outage_open_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at")),
                name="outage_ends_later",
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="outage_by_station"),
            models.Index(fields=["charge_point", "ended_at"], name="outage_by_end"),
            models.Index(fields=["began_at"], name="outage_by_begin"),
            models.Index(fields=["updated_at"], name="outage_by_change"),
        ]

    def __str__(self) -> str:
        return f"{self.charge_point}: {self.get_cause_display()}, {self.began_at:%Y-%m-%d %H:%M}"


class ObservedConnector(models.Model):
    """A connector, and since when the server knows it: its uptime counts from then on."""

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("station")
    )
    evse_number = models.PositiveIntegerField(_("EVSE"))
    connector_number = models.PositiveIntegerField(_("connector"))
    since = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["charge_point", "evse_number", "connector_number"]
        constraints = [
            models.UniqueConstraint(
                fields=["charge_point", "evse_number", "connector_number"], name="observed_connector_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.charge_point}, EVSE {self.evse_number}, connector {self.connector_number}"
