"""Swaps of batteries at swap stations (2.1 S)."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from ocpp_server.sites import SiteManager


def new_swap_key() -> str:
    """A key that is known before the row is stored."""
    return str(uuid.uuid4())


class BatterySwap(models.Model):
    """One swap: empty batteries for charged ones. A remote request has the key of its command."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        OPEN = "open", _("Half done")
        SWAPPED = "swapped", _("Swapped")
        RETURNED = "returned", _("The offered batteries were not taken")
        REJECTED = "rejected", _("Rejected by the station")
        LAPSED = "lapsed", _("Nothing followed in time")

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="battery_swaps",
        db_index=False,
        verbose_name=_("station"),
    )
    id = models.CharField(primary_key=True, max_length=36, default=new_swap_key, editable=False)
    number = models.BigIntegerField(_("request ID"), help_text=_("The requestId in the messages."))
    is_remote = models.BooleanField(_("remote"), default=False, help_text=_("This server has asked for it."))
    id_token = models.CharField(_("token"), max_length=255, db_index=True)
    id_token_type = models.CharField(_("token type"), max_length=32, blank=True, default="")
    state = models.CharField(max_length=16, choices=State.choices, default=State.REQUESTED)
    reason = models.CharField(max_length=600, blank=True, default="", help_text=_("Why it was rejected."))
    actor = models.CharField(max_length=150, blank=True, default="", help_text=_("The one who asked for it."))
    created_at = models.DateTimeField()
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    in_at = models.DateTimeField(_("batteries in"), null=True)
    out_at = models.DateTimeField(_("batteries out"), null=True)
    # Without another message it lapses then; null for one that has ended.
    expires_at = models.DateTimeField(_("waits until"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("battery swap")
        verbose_name_plural = _("battery swaps")
        indexes = [
            models.Index(fields=["charge_point", "number", "-created_at"], name="battery_swap_by_number"),
            models.Index(fields=["charge_point", "-created_at"], name="battery_swap_by_station"),
            models.Index(fields=["-created_at"], name="battery_swap_by_time"),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False),
                name="battery_swap_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} at {self.charge_point}"

    @property
    def command_id(self) -> str | None:
        """The command that asked for it; None for one that began at the station."""
        return self.pk if self.is_remote else None


class SwappedBattery(models.Model):
    """A battery that was put into a slot, taken out of it, or offered and not taken."""

    site_through = ("swap",)

    class Way(models.TextChoices):
        IN = "in", _("In")
        OUT = "out", _("Out")
        OFFERED = "offered", _("Offered, not taken")

    swap = models.ForeignKey(BatterySwap, on_delete=models.CASCADE, related_name="batteries", db_index=False)
    way = models.CharField(max_length=8, choices=Way.choices)
    slot = models.PositiveIntegerField(help_text=_("The EVSE of the slot."))
    serial_number = models.CharField(max_length=50, db_index=True)
    soc = models.FloatField(_("state of charge in %"))
    soh = models.FloatField(_("state of health in %"))
    produced_at = models.DateTimeField(_("produced"), null=True)
    vendor_info = models.CharField(max_length=500, blank=True, default="")
    refusal = models.CharField(
        max_length=20, blank=True, default="", help_text=_("Why this server does not accept the battery.")
    )
    at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("swapped battery")
        verbose_name_plural = _("swapped batteries")
        constraints = [
            models.UniqueConstraint(
                fields=["swap", "way", "slot", "serial_number"], name="swapped_battery_once"
            ),
        ]

    def __str__(self) -> str:
        return self.serial_number
