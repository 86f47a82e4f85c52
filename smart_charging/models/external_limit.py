"""Limits that someone else has set at a station: an energy management system, a grid operator."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from smart_charging.models.keys import KEY_CHARACTERS


class ExternalLimitQuerySet(models.QuerySet["ExternalLimit"]):
    def in_force(self) -> ExternalLimitQuerySet:
        """The limits that their source has not released."""
        return self.filter(cleared_at__isnull=True)


class ExternalLimit(models.Model):
    """The last limit of one source for one EVSE (2.x K11 to K14). Its key is made from the three.

    The next limit of the source replaces it, and so does the next one after its release.
    """

    id = models.CharField(primary_key=True, max_length=KEY_CHARACTERS, editable=False)
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="charging_limits",
        db_index=False,
        verbose_name=_("station"),
    )
    evse_number = models.PositiveIntegerField(_("EVSE"), help_text=_("0 for the whole station."))
    source = models.CharField(max_length=64, help_text=_("Such as EMS or SO, the grid operator."))
    is_grid_critical = models.BooleanField(_("critical for the grid"), default=False)
    is_local_generation = models.BooleanField(
        _("local generation"), default=False, help_text=_("It adds power instead of limiting it (2.1).")
    )
    schedules = models.JSONField(default=list, help_text=_("As the station reported them; may be empty."))
    set_at = models.DateTimeField(_("set"))
    cleared_at = models.DateTimeField(_("released"), null=True)

    objects = SiteManager.from_queryset(ExternalLimitQuerySet)()

    class Meta:
        ordering = ["-set_at"]
        verbose_name = _("external limit")
        verbose_name_plural = _("external limits")
        indexes = [
            models.Index(fields=["charge_point", "-set_at"], name="external_limit_by_station"),
            models.Index(fields=["-set_at"], name="external_limit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.evse_number}"

    @property
    def is_in_force(self) -> bool:
        return self.cleared_at is None
