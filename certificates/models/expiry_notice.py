"""The events about expiring certificates that were sent."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ExpiryNotice(models.Model):
    """The event about one certificate at one of the distances from its end, so that it is sent once."""

    sha256 = models.CharField(_("fingerprint (SHA-256)"), max_length=64)
    days = models.PositiveSmallIntegerField()
    not_after = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("notice of expiry")
        verbose_name_plural = _("notices of expiry")
        constraints = [
            models.UniqueConstraint(fields=["sha256", "days"], name="expiry_notice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:16]} {self.days}"
