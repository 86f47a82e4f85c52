"""Configuration keys: stored by the server for a station, and reported by the station."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class StoredKey(models.Model):
    """A stored key that differs from its default (see `configuration.services.variables.catalogue`)."""

    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="stored_keys")
    key = models.CharField(max_length=100)
    value = models.CharField(max_length=2500, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["charge_point", "key"], name="stored_key_once")]

    def __str__(self) -> str:
        return f"{self.key} of {self.charge_point}"  # without the value, which may be a secret


class ReportedKey(models.Model):
    """A key or variable as the station last reported it. 2.x variables are named `Component.Variable`.

    The description of a variable is in reports alone: its columns are null for a key of 1.6, and for a
    variable whose value alone is known. The value of a WriteOnly variable is never stored.
    """

    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="reported_keys")
    key = models.CharField(max_length=255)
    value = models.TextField(null=True, blank=True)
    readonly = models.BooleanField(default=False)
    mutability = models.CharField(
        max_length=16, null=True, blank=True, help_text=_("ReadOnly, ReadWrite or WriteOnly (2.x).")
    )
    characteristics = models.JSONField(
        null=True, blank=True, help_text=_("Type, unit, limits and allowed values (2.x).")
    )
    attributes = models.JSONField(
        null=True, blank=True, help_text=_("Target, MinSet and MaxSet, each with its value (2.x).")
    )
    reported_at = models.DateTimeField()
    gone_at = models.DateTimeField(
        _("gone"),
        null=True,
        blank=True,
        help_text=_("When a full report did not have it any more; it is deleted 30 days later."),
    )

    objects = SiteManager()

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["charge_point", "key"], name="reported_key_once")]

    def __str__(self) -> str:
        return f"{self.key} of {self.charge_point}"  # without the value, which may be a secret
