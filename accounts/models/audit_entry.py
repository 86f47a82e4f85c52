"""The audit log: who changed what, when, and by which way."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ocpp_server import audit


class AuditEntry(models.Model):
    """A request that changed something, or that exported personal data. Append-only."""

    class Door(models.TextChoices):
        REST = audit.Door.REST.value, _("REST API")
        ADMIN = audit.Door.ADMIN.value, _("Console")

    at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    actor = models.CharField(max_length=150, help_text=_("The operator or the API key."))
    door = models.CharField(_("by"), max_length=8, choices=Door.choices)
    action = models.CharField(max_length=128, help_text=_("The operation of the API, or the page."))
    path = models.CharField(max_length=300, help_text=_("Without the query."))
    sent_fields = models.JSONField(default=list, help_text=_("The names of the values that were sent."))
    status = models.PositiveSmallIntegerField(help_text=_("The HTTP status of the answer."))
    address = models.CharField(max_length=64, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["actor", "-id"], name="audit_entry_by_actor"),
            models.Index(fields=["action", "-id"], name="audit_entry_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action}"
