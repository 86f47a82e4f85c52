"""The state of reading the configuration of a station: what is known, and when it is read next."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class ConfigurationState(models.Model):
    """One row per station. `due_at`: the server reads the configuration at this time, null: not.

    `whole_at` is the beginning of the last reading in which the station named everything that it has: a key
    that it has not reported since then is gone.
    """

    class Manner(models.TextChoices):
        WHOLE = "whole", _("All at once")
        PARTS = "parts", _("In parts")
        SINGLE = "single", _("Key by key")

    charge_point = models.OneToOneField(
        ChargePoint, on_delete=models.CASCADE, primary_key=True, related_name="configuration_state"
    )
    manner = models.CharField(max_length=8, choices=Manner.choices, default=Manner.WHOLE)
    firmware_version = models.CharField(
        max_length=255, blank=True, default="", help_text=_("The firmware at the last complete reading.")
    )
    problem = models.CharField(
        max_length=500, blank=True, default="", help_text=_("Why the last reading was not complete.")
    )
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text=_("Readings since the boot that were not complete.")
    )
    is_stale = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("The desired values do not contain the last change of the templates."),
    )
    booted_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    # Without it, the job that deletes gone keys would read the keys of all stations.
    gone_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Since when the station has keys that are gone.")
    )
    read_at = models.DateTimeField(null=True, blank=True)
    whole_at = models.DateTimeField(null=True, blank=True)

    objects = SiteManager()

    class Meta:
        verbose_name = _("configuration state")
        verbose_name_plural = _("configuration states")
        indexes = [
            models.Index(
                fields=["due_at"], name="configuration_due", condition=models.Q(due_at__isnull=False)
            ),
            models.Index(
                fields=["gone_since"],
                name="configuration_with_gone",
                condition=models.Q(gone_since__isnull=False),
            ),
            models.Index(fields=["is_stale"], name="configuration_stale", condition=models.Q(is_stale=True)),
        ]

    def __str__(self) -> str:
        return f"Configuration of {self.charge_point}"
