"""Payments on the web by the QR code of a station (2.1 C25), and the keys of these codes."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from tariffs.models import money


class WebPaymentKey(models.Model):
    """The shared secret of the QR codes of a station, or of one EVSE, with the form of their passwords.

    The same values are in the variables of the station's WebPaymentsCtrlr. The secret is encrypted and never
    shown.
    """

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="web_payment_keys", verbose_name=_("station")
    )
    evse_number = models.PositiveIntegerField(
        _("EVSE"), default=0, help_text=_("0 for every EVSE without a key of its own.")
    )
    sealed_secret = models.TextField(editable=False)
    validity_s = models.PositiveIntegerField(
        _("validity in s"),
        validators=[MinValueValidator(6), MaxValueValidator(3600)],
        help_text=_("ValidityTime of the station: 6 to 3600."),
    )
    length = models.PositiveIntegerField(
        _("characters of a password"),
        validators=[MinValueValidator(6), MaxValueValidator(64)],
        help_text=_("Length of the station: 6 to 64."),
    )
    set_by = models.CharField(max_length=150, blank=True, default="")
    set_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("key of QR codes")
        verbose_name_plural = _("keys of QR codes")
        constraints = [
            models.UniqueConstraint(fields=["charge_point", "evse_number"], name="web_payment_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.charge_point}, EVSE {self.evse_number or '*'}"  # without the secret


class WebPayment(models.Model):
    """A driver who has scanned the QR code of an EVSE, and pays on the page of a payment service.

    Each password of a code opens one payment of its EVSE.
    """

    class State(models.TextChoices):
        OPENED = "opened", _("The driver is paying")
        PAID = "paid", _("Paid")
        STARTED = "started", _("Start accepted by the station")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Not paid in time")

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.PROTECT,
        related_name="web_payments",
        db_index=False,
        verbose_name=_("station"),
    )
    evse_number = models.PositiveIntegerField(_("EVSE"))
    totp_interval = models.BigIntegerField(help_text=_("The interval of the password of the code."))
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPENED)
    max_cost = money.amount(_("highest cost"), help_text=_("In the tariff's currency."))
    max_energy_wh = models.FloatField(_("highest energy in Wh"), null=True)
    max_time_s = models.PositiveBigIntegerField(_("longest time in s"), null=True)
    psp_ref = models.CharField(
        _("payment reference"),
        max_length=255,
        default="",
        blank=True,
        help_text=_("Of the payment service: the token of the session."),
    )
    command_id = models.CharField(max_length=36, default="", blank=True, help_text=_("The remote start."))
    failure = models.CharField(_("why it failed"), max_length=500, default="", blank=True)
    confirmed_by = models.CharField(max_length=150, default="", blank=True)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text=_("The driver must have paid by then."))
    confirmed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("web payment")
        verbose_name_plural = _("web payments")
        constraints = [
            models.UniqueConstraint(
                fields=["charge_point", "evse_number", "totp_interval"], name="web_payment_once_by_code"
            ),
            models.UniqueConstraint(
                fields=["psp_ref"], condition=~models.Q(psp_ref=""), name="web_payment_once_by_reference"
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="web_payment_by_station"),
            models.Index(fields=["state", "updated_at"], name="web_payment_by_state"),
            models.Index(fields=["updated_at"], name="web_payment_by_change"),
        ]

    def __str__(self) -> str:
        return f"{self.charge_point}, EVSE {self.evse_number}: {self.get_state_display()}"
