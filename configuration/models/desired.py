"""Values that a station should have, alone or by a template, and how the station compares."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Site
from ocpp_server.sites import SiteManager


class ConfigurationTemplate(models.Model):
    """A set of desired values for stations of one dialect. `values` maps keys or variables to values."""

    class Dialect(models.TextChoices):
        V16 = "1.6", _("OCPP 1.6: keys")
        V2X = "2.x", _("OCPP 2.x: variables")

    name = models.CharField(max_length=100)
    name_key = models.CharField(max_length=300, unique=True, editable=False)
    description = models.CharField(max_length=500, blank=True, default="")
    dialect = models.CharField(max_length=8, choices=Dialect.choices)
    values = models.JSONField(default=dict, help_text=_("Keys or variables with their desired values."))
    reapplies = models.BooleanField(
        _("apply after boots"),
        default=False,
        help_text=_("Set the values again when a station has lost them after a boot."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name_key"]
        verbose_name = _("configuration template")
        verbose_name_plural = _("configuration templates")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.name_key = self.name.casefold()
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class TemplateAssignment(models.Model):
    """The stations that a template is for: one station, the stations of a site, or those of a model.

    Of several templates with the same key, one for the station wins over one for its site, and that over one
    for its model; among equals, the later assignment wins.
    """

    template = models.ForeignKey(ConfigurationTemplate, on_delete=models.CASCADE, related_name="assignments")
    charge_point = models.ForeignKey(
        ChargePoint,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="template_assignments",
        verbose_name=_("station"),
    )
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.CASCADE, related_name="template_assignments"
    )
    vendor = models.CharField(max_length=255, blank=True, default="")
    model = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SiteManager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("template assignment")
        verbose_name_plural = _("template assignments")
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(charge_point__isnull=False, site__isnull=True, vendor="", model="")
                    | models.Q(charge_point__isnull=True, site__isnull=False, vendor="", model="")
                    | (models.Q(charge_point__isnull=True, site__isnull=True) & ~models.Q(model=""))
                ),
                name="template_for_one_target",
            ),
            models.UniqueConstraint(
                fields=["template", "charge_point"],
                condition=models.Q(charge_point__isnull=False),
                name="template_once_for_station",
            ),
            models.UniqueConstraint(
                fields=["template", "site"],
                condition=models.Q(site__isnull=False),
                name="template_once_for_site",
            ),
            models.UniqueConstraint(
                fields=["template", "vendor", "model"],
                condition=~models.Q(model=""),
                name="template_once_for_model",
            ),
        ]
        indexes = [models.Index(fields=["vendor", "model"], name="template_by_model")]

    def __str__(self) -> str:
        return (
            f"{self.template} for {self.charge_point or self.site or f'{self.vendor} {self.model}'.strip()}"
        )


class DesiredValue(models.Model):
    """The desired value of one key or variable of one station, and the station's state about it.

    `template` is the template that it comes from, null for a value of this station alone.
    """

    class State(models.TextChoices):
        SAME = "same", _("Same")
        DIFFERS = "differs", _("Differs")
        PENDING_REBOOT = "pending-reboot", _("Waits for a reboot")
        REFUSED = "refused", _("Refused by the station")
        UNKNOWN_KEY = "unknown-key", _("Unknown to the station")
        READ_ONLY = "read-only", _("Read-only")
        NOT_REPORTED = "not-reported", _("Not reported yet")

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="desired_values",
        db_index=False,
        verbose_name=_("station"),
    )
    template = models.ForeignKey(
        ConfigurationTemplate,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="desired_values",
    )
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=2500, blank=True)
    reapplies = models.BooleanField(_("apply after boots"), default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.NOT_REPORTED)
    reason = models.CharField(
        max_length=500, blank=True, default="", help_text=_("Why the station refused the value.")
    )
    answered_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the station answered the last attempt to set it.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["key"]
        verbose_name = _("desired value")
        verbose_name_plural = _("desired values")
        constraints = [
            models.UniqueConstraint("charge_point", Lower("key"), name="desired_value_once"),
            models.CheckConstraint(condition=~models.Q(key=""), name="desired_value_has_key"),
        ]
        indexes = [
            models.Index(fields=["state", "charge_point"], name="desired_value_by_state"),
            models.Index(fields=["charge_point", "key"], name="desired_value_by_station"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.charge_point}"
