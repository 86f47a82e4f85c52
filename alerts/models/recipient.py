"""Recipients of notices about alerts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from alerts.models.severity import Severity
from chargepoints.models import Site


class AlertRecipient(models.Model):
    """One address that gets notices, and which ones: by severity, site and code, in its own time zone."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")

    class Digest(models.TextChoices):
        OFF = "off", _("At once")
        HOURLY = "hourly", _("Every hour")
        DAILY = "daily", _("Every day at 07:00")

    name = models.CharField(max_length=100, help_text=_("Steps of an escalation name it."))
    name_key = models.CharField(max_length=300, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="alert_recipients",
        verbose_name=_("operator"),
    )
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.EMAIL)
    address = models.CharField(
        max_length=254, blank=True, default="", help_text=_("Empty: the e-mail address of the operator.")
    )

    min_severity = models.CharField(
        _("lowest severity"), max_length=8, choices=Severity.choices, default=Severity.WARNING
    )
    sites = models.ManyToManyField(
        Site, blank=True, related_name="alert_recipients", help_text=_("Empty: all sites, and the server.")
    )
    codes = models.JSONField(default=list, blank=True, help_text=_("Codes of alerts; empty: all."))
    only_escalations = models.BooleanField(
        default=False, help_text=_("Gets only what a step of an escalation sends to it.")
    )
    language = models.CharField(max_length=8, blank=True, default="", help_text=_("ISO 639-1, such as de."))
    timezone = models.CharField(
        max_length=64, default="UTC", help_text=_("IANA name, such as Europe/Vienna.")
    )
    quiet_hours = models.JSONField(
        default=list, blank=True, help_text=_("Days, from and to, in its time zone.")
    )
    digest = models.CharField(max_length=8, choices=Digest.choices, default=Digest.OFF)
    is_enabled = models.BooleanField(_("enabled"), default=True)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name_key"]
        verbose_name = _("alert recipient")
        verbose_name_plural = _("alert recipients")
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="alert_recipient_has_name"),
            models.CheckConstraint(
                condition=Q(user__isnull=False) | ~Q(address=""), name="alert_recipient_has_address"
            ),
        ]
        indexes = [models.Index(fields=["updated_at"], name="alert_recipient_by_change")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.name = self.name.strip()
        self.name_key = self.name.casefold()
        super().save(*args, **kwargs)  # type: ignore[arg-type]
