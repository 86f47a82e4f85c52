"""Deletions of rows that other systems mirror."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ocpp_server.sites import SiteManager
from ocpp_server.storage.deletions import MOST_CHARACTERS


class Deletion(models.Model):
    """One deleted row. Its content is gone: only its name in the URL is kept."""

    resource = models.CharField(max_length=64, help_text=_("The model of the row."))
    row = models.CharField(max_length=MOST_CHARACTERS, help_text=_("The key of the row in its URL."))
    parent = models.CharField(max_length=64, blank=True, default="", help_text=_("The key of the row above."))
    site_id = models.BigIntegerField(_("site"), null=True, blank=True, help_text=_("The site of the row."))
    deleted_at = models.DateTimeField()

    objects = SiteManager["Deletion"]()

    class Meta:
        db_table = "api_deletions"
        ordering = ["deleted_at", "id"]
        verbose_name = _("deletion")
        verbose_name_plural = _("deletions")
        indexes = [
            models.Index(fields=["resource", "deleted_at", "id"], name="deletion_by_resource"),
            models.Index(fields=["deleted_at"], name="deletion_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.row}"

    @classmethod
    def of_sites(cls, ids: frozenset[int]) -> models.Q:
        """The deletions of rows that belonged to these sites."""
        return models.Q(site_id__in=ids)
