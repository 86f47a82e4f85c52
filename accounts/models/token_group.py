"""Token groups: a session started with one token of a contract may be stopped with another."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.contract import Contract


class TokenGroup(models.Model):
    """A group of tokens, which carry its group id (1.6 parentIdTag, 2.x groupIdToken)."""

    group_id = models.CharField(max_length=20, help_text=_("1.6 parentIdTag, 2.x groupIdToken."))
    group_key = models.CharField(
        max_length=60, unique=True, editable=False, help_text=_("The group id as it is compared.")
    )
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="token_groups")
    name = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name or self.group_id

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.group_id = self.group_id.strip()
        self.group_key = self.group_id.casefold()
        super().save(*args, **kwargs)
