"""The state of the evaluator that outlives its process."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Evaluation(models.Model):
    """The evaluator of alerts: one row."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    position = models.BigIntegerField(
        default=0, help_text=_("The position of the last event that was judged.")
    )
    checked_at = models.DateTimeField(null=True, blank=True, help_text=_("When all rules were judged last."))

    class Meta:
        verbose_name = _("evaluation of alerts")
        verbose_name_plural = _("evaluations of alerts")

    def __str__(self) -> str:
        return str(self.position)
