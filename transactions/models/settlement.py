"""Settlements: an operator's decisions about sessions, and their changes."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ocpp_server.sites import SiteManager
from ocpp_server.storage.row_titles import titled
from transactions.models.transaction import Transaction


class Settlement(models.Model):
    """One decision about one session: actor, reason, and the columns before and after. Append-only."""

    site_through = ("transaction",)

    class Fix(models.TextChoices):
        CLOSE = "close", _("Close at the last reading")
        CORRECT_ENERGY = "correct-energy", _("Correct the energy")
        MERGE = "merge", _("Merge")
        IGNORE = "ignore", _("Ignore")
        END = "end", _("End session")

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="settlements")
    # No index: queries start from the settlement's own session.
    merged_with = models.ForeignKey(
        Transaction, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    fix = models.CharField(max_length=16, choices=Fix.choices)
    actor = models.CharField(max_length=150, help_text=_("The operator or the API key."))
    reason = models.CharField(max_length=300)
    before = models.JSONField(help_text=_("The session's columns before: energy in Wh, times in UTC."))
    after = models.JSONField(help_text=_("The same columns after."))
    created_at = models.DateTimeField(default=timezone.now)

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="settlement_by_time")]

    def __str__(self) -> str:
        return titled(f"{self.get_fix_display()}: session {self.transaction_id}", self.created_at)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A settlement is never changed.")
        super().save(*args, **kwargs)
