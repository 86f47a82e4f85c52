"""Tags of stations: words by which operators group them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from ocpp_server.sites import SiteManager

MOST_TAGS = 20
MOST_CHARACTERS = 50


class Tag(models.Model):
    """One tag of one station. Two stations have the same tag if the keys are equal."""

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="tags", db_index=False, verbose_name=_("station")
    )
    name = models.CharField(max_length=MOST_CHARACTERS)
    key = models.CharField(
        max_length=3 * MOST_CHARACTERS, editable=False, help_text=_("The name for comparisons.")
    )

    objects = SiteManager()

    class Meta:
        ordering = ["key"]
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        constraints = [
            models.UniqueConstraint(fields=["charge_point", "key"], name="tag_once"),
            models.CheckConstraint(condition=~models.Q(key=""), name="tag_has_name"),
        ]
        indexes = [models.Index(fields=["key", "charge_point"], name="tag_by_key")]

    def __str__(self) -> str:
        return self.name
