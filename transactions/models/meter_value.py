"""Meter values."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from ocpp_server.storage.row_titles import titled
from transactions.models.transaction import Transaction


class MeterValue(models.Model):
    """One sampled value (1.6 7.43, 2.0.1 2.43). `value` is normalised to the base unit; `raw` is the
    station's own text.
    """

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="meter_values", db_index=False
    )
    transaction = models.ForeignKey(
        Transaction,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="meter_values",
        db_index=False,
    )
    evse_number = models.PositiveIntegerField(null=True)
    connector_number = models.PositiveIntegerField(null=True)
    measurand = models.CharField(max_length=64)
    phase = models.CharField(max_length=16, blank=True, default="")
    location = models.CharField(max_length=16, blank=True, default="")
    context = models.CharField(max_length=32, blank=True, default="")
    value = models.FloatField(null=True, help_text=_("In `unit`; empty when the text is not a number."))
    unit = models.CharField(
        max_length=16,
        blank=True,
        default="",
        help_text=_("Wh, varh, VAh, W, var, VA, A, V, Hz, Celsius, Percent, ..."),
    )
    raw = models.TextField(help_text=_("The value as sent by the station."))
    raw_unit = models.CharField(max_length=64, blank=True, default="")
    signed_data = models.TextField(null=True, help_text=_("Signed meter data, byte for byte."))
    sample_key = models.BigIntegerField(
        help_text=_("Checksum of the sample: a repeated sample is stored once.")
    )
    measured_at = models.DateTimeField()
    received_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["measured_at", "id"]
        constraints = [
            # Two partial keys instead of one over all rows plus an index: a reading is in one of them only,
            # and the key of a session's readings also serves their series.
            models.UniqueConstraint(
                fields=["transaction", "measured_at", "sample_key"],
                condition=models.Q(transaction__isnull=False),
                name="meter_value_once_in_transaction",
            ),
            models.UniqueConstraint(
                fields=["charge_point", "measured_at", "sample_key"],
                condition=models.Q(transaction__isnull=True),
                name="meter_value_once_at_station",
            ),
        ]

    def __str__(self) -> str:
        return titled(f"{self.measurand} {self.raw} {self.raw_unit}".strip(), self.measured_at)
