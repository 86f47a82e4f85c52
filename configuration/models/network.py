"""Network profiles of stations: how a station connects to a central system (2.x B09)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from ocpp_server.sites import SiteManager


class NetworkProfile(models.Model):
    """The profile of one slot of a station, without its secrets: passwords, keys and the access point.

    Of each slot there is at most one row in each state: a profile that the station has refused leaves the one
    that it has confirmed before.
    """

    class State(models.TextChoices):
        WANTED = "wanted", _("Sent, not answered yet")
        CONFIRMED = "confirmed", _("Confirmed by the station")
        REFUSED = "refused", _("Refused by the station")

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="network_profiles", db_index=False
    )
    slot = models.BigIntegerField(_("slot"))
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.WANTED)
    reason = models.CharField(
        max_length=500, blank=True, default="", help_text=_("Why the station refused it.")
    )
    csms_url = models.CharField(_("address"), max_length=2000, help_text=_("A login in it is masked."))
    ocpp_version = models.CharField(_("OCPP version"), max_length=16, blank=True, default="")
    transport = models.CharField(max_length=16, blank=True, default="")
    interface = models.CharField(max_length=16, blank=True, default="")
    message_timeout = models.BigIntegerField(help_text=_("Seconds."))
    security_profile = models.BigIntegerField()
    identity = models.CharField(max_length=48, blank=True, default="", help_text=_("2.1"))
    sets_password = models.BooleanField(
        _("sets a password"), default=False, help_text=_("The station logs on with it in this profile (2.1).")
    )
    has_apn = models.BooleanField(_("has an access point"), default=False)
    vpn_type = models.CharField(_("VPN"), max_length=16, blank=True, default="")
    vpn_server = models.CharField(_("VPN server"), max_length=2000, blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="", help_text=_("The one who sent it."))
    # The id is stored before the command: a process may end between the two.
    command = models.ForeignKey(
        Command,
        null=True,
        on_delete=models.SET_NULL,
        related_name="network_profiles",
        db_constraint=False,
    )
    sent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["charge_point", "slot", "-sent_at"]
        verbose_name = _("network profile")
        verbose_name_plural = _("network profiles")
        constraints = [
            models.UniqueConstraint(fields=["charge_point", "slot", "state"], name="network_profile_once"),
        ]
        indexes = [models.Index(fields=["updated_at"], name="network_profile_by_change")]

    def __str__(self) -> str:
        return f"Slot {self.slot} of {self.charge_point}"
