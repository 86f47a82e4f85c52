"""Sites: a car park, a depot, a street with stations (a Location in OCPI 2.2.1, 8.3.1)."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ocpp_server.sites import SiteManager


class Site(models.Model):
    """A place with stations. Access rules apply to a site or to a station."""

    name = models.CharField(max_length=100)
    name_key = models.CharField(
        max_length=300, unique=True, editable=False, help_text=_("The name for comparisons.")
    )
    address = models.CharField(max_length=150, blank=True, default="", help_text=_("Street and number."))
    postal_code = models.CharField(max_length=10, blank=True, default="")
    city = models.CharField(max_length=45, blank=True, default="")
    country = models.CharField(max_length=3, blank=True, default="", help_text=_("ISO 3166-1, such as AUT."))
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text=_("Such as Europe/Vienna, for the days of reports. Empty: that of the server."),
    )
    is_test = models.BooleanField(
        _("test site"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_("The site of test keys: its stations are in no sum and open no alert."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["name_key"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.name = self.name.strip()
        self.name_key = self.name.casefold()
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def clean(self) -> None:
        if self.time_zone and self.time_zone not in available_timezones():
            raise ValidationError({"time_zone": _("Not a time zone. Use a name such as Europe/Vienna.")})

    @property
    def zone(self) -> tzinfo:
        """The time zone of the site's days."""
        return ZoneInfo(self.time_zone) if self.time_zone else timezone.get_default_timezone()

    @classmethod
    def of_sites(cls, ids: frozenset[int]) -> models.Q:
        return models.Q(pk__in=ids)
