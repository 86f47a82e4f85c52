"""The cost of a session: the reports of its station, and the messages of this server."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from tariffs.models import money
from transactions.models import Transaction


class SessionCost(models.Model):
    """The latest cost details that a station reported of a session (2.1 I12), the last cost that this server
    sent (I02), and the last tariff that it sent for the session (2.1 I11).

    Amounts are in `currency` where the station reported one; a sent cost has the currency of the station's
    variable TariffCostCtrlr.Currency.
    """

    transaction = models.OneToOneField(
        Transaction,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="session_cost",
        verbose_name=_("session"),
    )
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="session_costs",
        db_index=False,
        verbose_name=_("station"),
    )
    currency = models.CharField(max_length=3, default="", blank=True)
    total_excl_tax = money.amount(_("total without tax"))
    total_incl_tax = money.amount(_("total with tax"))
    cost_type = models.CharField(
        _("type of cost"),
        max_length=32,
        default="",
        blank=True,
        help_text=_("NormalCost, MinCost or MaxCost."),
    )
    failure = models.CharField(
        max_length=500,
        default="",
        blank=True,
        help_text=_("Why the station could not calculate the cost."),
    )
    details = models.JSONField(null=True, help_text=_("The cost details as the station reported them."))
    is_final = models.BooleanField(
        _("final"), default=False, help_text=_("Whether the details came with the end of the session.")
    )
    reported_at = models.DateTimeField(null=True)
    tariff_id = models.CharField(
        _("tariff ID"),
        max_length=60,
        default="",
        blank=True,
        help_text=_("The tariff that the station uses."),
    )
    sent_cost = money.amount(_("sent cost"), help_text=_("The last cost that this server sent."))
    sent_at = models.DateTimeField(null=True)
    new_tariff = models.JSONField(
        null=True, help_text=_("The tariff that this server sent last for the session.")
    )
    new_tariff_id = models.CharField(_("new tariff ID"), max_length=60, default="", blank=True)
    new_tariff_status = models.CharField(
        max_length=32, default="", blank=True, help_text=_("The answer of the station.")
    )
    new_tariff_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["-transaction"]
        verbose_name = _("session cost")
        verbose_name_plural = _("session costs")
        indexes = [
            models.Index(fields=["charge_point", "-transaction"], name="session_cost_by_station"),
            models.Index(fields=["updated_at"], name="session_cost_by_change"),
        ]

    def __str__(self) -> str:
        return str(self.transaction_id)

    @property
    def is_tariff_changed(self) -> bool | None:
        """Whether the station has reported that it uses the tariff that it accepted for the session; None
        where it has accepted none (2.1 I11.FR.07).
        """
        if self.new_tariff_status != "Accepted":
            return None
        return self.tariff_id == self.new_tariff_id
