"""Rules: for which condition, and for which stations, an alert opens."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from alerts.models.severity import Severity
from chargepoints.models import ChargePoint, Site
from ocpp_server.sites import SiteManager

MOST_SECONDS = 31 * 86_400


class AlertRule(models.Model):
    """The settings of one code of `alerts.services.rules`. A code has one rule for all stations, and may have
    copies for a site or for a station: the most specific one counts.
    """

    class Quiet(models.TextChoices):
        """Whether quiet hours hold the notices back."""

        NO = "no", _("Send at once, also in quiet hours")
        EXCEPT_CRITICAL = "except-critical", _("Hold back in quiet hours, unless critical")
        ALWAYS = "always", _("Hold back in quiet hours, also critical ones")

    code = models.CharField(max_length=32)
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.CASCADE, related_name="alert_rules", db_index=False
    )
    charge_point = models.ForeignKey(
        ChargePoint,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="alert_rules",
        db_index=False,
        verbose_name=_("station"),
    )

    is_enabled = models.BooleanField(_("enabled"), default=True)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    # Null: an alert of this rule never becomes critical by its age.
    critical_after_s = models.PositiveIntegerField(
        _("critical after"), null=True, blank=True, help_text=_("Seconds for which the condition has lasted.")
    )
    for_s = models.PositiveIntegerField(
        _("opens after"), default=0, help_text=_("Seconds for which the condition must last.")
    )
    keep_for_s = models.PositiveIntegerField(
        _("resolves after"), default=0, help_text=_("Seconds for which the condition must be over.")
    )
    parameters = models.JSONField(default=dict, blank=True, help_text=_("The limits, by the code."))
    auto_resolve = models.BooleanField(
        _("resolves by itself"), default=True, help_text=_("When its condition is over.")
    )
    reopens = models.BooleanField(
        default=False, help_text=_("Open again when it was resolved by hand and the condition still holds.")
    )
    channels = models.JSONField(
        default=list, blank=True, help_text=_("Only these channels get notices; empty: all channels.")
    )
    quiet = models.CharField(
        _("quiet hours"), max_length=16, choices=Quiet.choices, default=Quiet.EXCEPT_CRITICAL
    )
    escalation = models.JSONField(
        default=list, blank=True, help_text=_("Steps: to whom, after how many seconds.")
    )
    note = models.TextField(
        _("what to do"),
        max_length=2000,
        blank=True,
        default="",
        help_text=_("Added to the alert and its mails."),
    )
    updated_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["code", "id"]
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        constraints = [
            models.UniqueConstraint(
                fields=["code"],
                condition=Q(site__isnull=True, charge_point__isnull=True),
                name="alert_rule_for_all",
            ),
            models.UniqueConstraint(
                fields=["site", "code"], condition=Q(site__isnull=False), name="alert_rule_of_site"
            ),
            models.UniqueConstraint(
                fields=["charge_point", "code"],
                condition=Q(charge_point__isnull=False),
                name="alert_rule_of_station",
            ),
            models.CheckConstraint(
                condition=Q(site__isnull=True) | Q(charge_point__isnull=True), name="alert_rule_one_scope"
            ),
            models.CheckConstraint(
                condition=Q(for_s__lte=MOST_SECONDS, keep_for_s__lte=MOST_SECONDS),
                name="alert_rule_seconds",
            ),
        ]
        indexes = [models.Index(fields=["updated_at"], name="alert_rule_by_change")]

    def __str__(self) -> str:
        return self.code

    @property
    def is_for_all(self) -> bool:
        """Whether it is the rule of its code for all stations, which can't be deleted."""
        return self.site_id is None and self.charge_point_id is None
