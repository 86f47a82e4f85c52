"""Readings."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from ocpp_server.storage.fields import CompressedTextField
from ocpp_server.storage.row_titles import titled
from transactions.models.transaction import Transaction


class Reading(models.Model):
    """The measurements of one time and one place in one message of a station (1.6 7.33, 2.0.1 2.31).

    The same time may have several readings when a station splits its samples between messages. The columns
    are the values that pages and bills ask for; `samples` has all samples (`services.metering.samples`).

    The columns are in an order that leaves no gaps between them on PostgreSQL. The database does not check
    the references, because that costs a query for each row on PostgreSQL. Deleting a station or a transaction
    deletes its readings.
    """

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="readings",
        db_index=False,
        db_constraint=False,
    )
    transaction = models.ForeignKey(
        Transaction,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="readings",
        db_index=False,
        db_constraint=False,
    )
    evse_number = models.PositiveIntegerField(null=True)
    connector_number = models.PositiveIntegerField(null=True)
    sample_count = models.PositiveIntegerField()
    register_mwh = models.BigIntegerField(
        null=True,
        help_text=_("Energy.Active.Import.Register at the outlet, the total, in thousandths of a Wh."),
    )
    power_w = models.FloatField(
        null=True, help_text=_("Power.Active.Import at the outlet: the total, or the sum of three phases.")
    )
    soc_percent = models.FloatField(null=True)
    current_a = models.FloatField(
        null=True, help_text=_("Current.Import at the outlet: the total, or the highest of the phases.")
    )
    voltage_v = models.FloatField(
        null=True, help_text=_("Voltage at the outlet: the total, or the highest of the phases.")
    )
    digest = models.BigIntegerField(
        help_text=_("Checksum of the place and the samples: a repeated reading is stored once.")
    )
    measured_at = models.DateTimeField()
    received_at = models.DateTimeField()
    register_exponent = models.SmallIntegerField(
        null=True,
        help_text=_(
            "The power of ten of the last digit of the register, in Wh, if the columns say all about the "
            "energy and the power of the reading."
        ),
    )
    samples = CompressedTextField(help_text=_("All samples, as sent by the station."))

    objects = SiteManager()

    class Meta:
        ordering = ["measured_at", "id"]
        constraints = [
            # Two partial keys instead of one over all rows plus an index: a reading is in one of them only,
            # and the key of a session's readings also serves their series.
            models.UniqueConstraint(
                fields=["transaction", "measured_at", "digest"],
                condition=models.Q(transaction__isnull=False),
                name="reading_once_in_transaction",
            ),
            models.UniqueConstraint(
                fields=["charge_point", "measured_at", "digest"],
                condition=models.Q(transaction__isnull=True),
                name="reading_once_at_station",
            ),
        ]

    def __str__(self) -> str:
        return titled(f"{self.sample_count}", self.measured_at)
