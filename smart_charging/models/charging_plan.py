"""The needs and schedules of vehicles, and the priority of sessions."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from transactions.models import Transaction


class ChargingPlan(models.Model):
    """The needs of the vehicle of a session, its schedule, and the priority of the session (2.x K15 to K22).

    There is no row for a session about which none of these was ever sent.
    """

    class Answer(models.TextChoices):
        NONE = "", _("No needs were sent")
        PROFILE = "profile", _("A charging profile follows")
        NO_PROFILE = "no-profile", _("No charging profile follows")
        REFUSED = "refused", _("The energy transfer is not allowed")

    transaction = models.OneToOneField(
        Transaction,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="charging_plan",
        verbose_name=_("session"),
    )
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="charging_plans",
        db_index=False,
        verbose_name=_("station"),
    )
    evse_number = models.PositiveIntegerField(_("EVSE"), null=True)
    needs = models.JSONField(null=True, help_text=_("The chargingNeeds, as the station sent them."))
    energy_transfer = models.CharField(
        max_length=64, blank=True, default="", help_text=_("The requestedEnergyTransfer, such as DC.")
    )
    energy_wh = models.BigIntegerField(_("energy in Wh"), null=True)
    departure_at = models.DateTimeField(_("departure"), null=True)
    needs_at = models.DateTimeField(_("needs received"), null=True)
    answer = models.CharField(max_length=16, choices=Answer.choices, blank=True, default=Answer.NONE)
    reason = models.CharField(
        max_length=255, blank=True, default="", help_text=_("Why no charging profile follows.")
    )
    vehicle_schedule = models.JSONField(null=True, help_text=_("The schedule that the vehicle will follow."))
    schedule_at = models.DateTimeField(_("schedule received"), null=True)
    is_within_limits = models.BooleanField(
        _("within the limits"), null=True, help_text=_("Whether that schedule keeps to the profile sent.")
    )
    allowed_transfers = models.JSONField(
        null=True, help_text=_("The energy transfers that the station has accepted as allowed (2.1).")
    )
    has_priority = models.BooleanField(_("priority"), default=False)
    priority_at = models.DateTimeField(_("priority changed"), null=True)
    updated_at = models.DateTimeField(editable=False)

    objects = SiteManager()

    class Meta:
        ordering = ["-updated_at"]
        verbose_name = _("charging plan")
        verbose_name_plural = _("charging plans")
        indexes = [
            models.Index(fields=["charge_point", "-updated_at"], name="charging_plan_by_station"),
            models.Index(fields=["-updated_at"], name="charging_plan_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
