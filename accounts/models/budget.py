"""Daily and monthly limits of energy and money."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models


class Budgeted(models.Model):
    """A model with limits of energy and money. None means no limit."""

    energy_wh_per_day = models.PositiveBigIntegerField(null=True, blank=True)
    energy_wh_per_month = models.PositiveBigIntegerField(null=True, blank=True)
    cost_per_day = models.DecimalField(
        max_digits=12, decimal_places=3, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    cost_per_month = models.DecimalField(
        max_digits=12, decimal_places=3, null=True, blank=True, validators=[MinValueValidator(0)]
    )

    class Meta:
        abstract = True
