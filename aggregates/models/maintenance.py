"""Maintenance windows: times in which a station or a site is not expected to work."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Site
from ocpp_server.sites import SiteManager


class MaintenanceWindowQuerySet(models.QuerySet["MaintenanceWindow"]):
    def covering(self, at: datetime) -> MaintenanceWindowQuerySet:
        """The windows that this moment is in; the end does not belong to a window."""
        return self.filter(begins_at__lte=at, ends_at__gt=at)

    def of(self, charge_point: ChargePoint) -> MaintenanceWindowQuerySet:
        """The windows of a station and of its site."""
        place = Q(charge_point=charge_point)
        if charge_point.site_id is not None:
            place |= Q(site=charge_point.site_id)
        return self.filter(place)


class MaintenanceWindow(models.Model):
    """A period in which outages of a station, or of all stations of a site, do not count against the uptime.

    Alerts about the stations are not sent meanwhile.
    """

    class Reason(models.TextChoices):
        MAINTENANCE = "maintenance", _("Planned maintenance")
        UTILITY = "utility", _("Power cut by the grid operator")
        VANDALISM = "vandalism", _("Vandalism")
        DISASTER = "disaster", _("Natural disaster")
        VEHICLE = "vehicle", _("Fault of a vehicle")
        CLOSED = "closed", _("Outside of the opening hours")

    charge_point = models.ForeignKey(
        ChargePoint,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="maintenance_windows",
        db_index=False,
        verbose_name=_("station"),
    )
    site = models.ForeignKey(
        Site,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="maintenance_windows",
        db_index=False,
    )
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(max_length=16, choices=Reason.choices, default=Reason.MAINTENANCE)
    note = models.CharField(max_length=200, blank=True, default="", help_text=_("For other operators."))
    author = models.CharField(max_length=150, help_text=_("The operator or the API key that added it."))
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager.from_queryset(MaintenanceWindowQuerySet)()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("maintenance window")
        verbose_name_plural = _("maintenance windows")
        constraints = [
            models.CheckConstraint(
                condition=Q(charge_point__isnull=True, site__isnull=False)
                | Q(charge_point__isnull=False, site__isnull=True),
                name="maintenance_window_one_place",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("begins_at")), name="maintenance_window_ends_later"
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "ends_at"], name="maintenance_by_station"),
            models.Index(fields=["site", "ends_at"], name="maintenance_by_site"),
            models.Index(fields=["ends_at", "begins_at"], name="maintenance_by_time"),
            models.Index(fields=["updated_at"], name="maintenance_by_change"),
        ]

    def __str__(self) -> str:
        return f"{self.place}: {self.get_reason_display()}"

    @property
    def place(self) -> ChargePoint | Site | None:
        return self.charge_point or self.site

    def clean(self) -> None:
        if (self.charge_point is None) == (self.site is None):
            raise ValidationError(_("Choose a station or a site."))
        if self.begins_at and self.ends_at and self.ends_at <= self.begins_at:
            raise ValidationError({"ends_at": _("Must be later than the begin.")})
