"""Payments that stations report (2.1 C20-C25, NotifySettlement)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from tariffs.models import money
from transactions.models import Transaction


class Payment(models.Model):
    """The settlement of an ad hoc payment, as the station's terminal reported it last.

    A station repeats a report, and may report another result for the same payment later: each reference of
    the payment service has one row of its station.
    """

    class Status(models.TextChoices):
        SETTLED = "Settled", _("Settled")
        CANCELED = "Canceled", _("Canceled")
        REJECTED = "Rejected", _("Rejected")
        FAILED = "Failed", _("Failed")

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.PROTECT,
        related_name="payments",
        db_index=False,
        verbose_name=_("station"),
    )
    transaction = models.ForeignKey(
        Transaction,
        null=True,
        on_delete=models.SET_NULL,
        related_name="payments",
        verbose_name=_("session"),
    )
    psp_ref = models.CharField(
        _("payment reference"), max_length=255, help_text=_("The reference of the payment service (pspRef).")
    )
    ocpp_transaction_id = models.CharField(
        _("transaction ID"),
        max_length=255,
        default="",
        blank=True,
        help_text=_("As the station reported it; empty where the payment ended before the session."),
    )
    status = models.CharField(max_length=16, choices=Status.choices)
    status_info = models.CharField(_("explanation"), max_length=500, default="", blank=True)
    amount = money.amount(help_text=_("Null where the number is too large to be an amount."))
    settled_at = models.DateTimeField()
    receipt_id = models.CharField(
        _("receipt ID"), max_length=50, default="", blank=True, help_text=_("The receipt of the station.")
    )
    receipt_url = models.CharField(
        _("receipt address"),
        max_length=2000,
        default="",
        blank=True,
        help_text=_("The receipt of the station."),
    )
    vat_number = models.CharField(_("VAT number"), max_length=20, default="", blank=True)
    company = models.JSONField(null=True, help_text=_("The company for whose VAT number the receipt is."))
    reports = models.PositiveIntegerField(default=1, help_text=_("How often the station reported it."))
    received_at = models.DateTimeField(help_text=_("When the first report arrived."))
    updated_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(fields=["charge_point", "psp_ref"], name="payment_once_by_station"),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="payment_by_station"),
            models.Index(fields=["status", "-id"], name="payment_by_status"),
            models.Index(fields=["updated_at"], name="payment_by_change"),
        ]

    def __str__(self) -> str:
        return self.psp_ref
