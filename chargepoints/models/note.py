"""Notes that operators write about a station."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from ocpp_server.sites import SiteManager

MOST_CHARACTERS = 2000
_SHORT = 80


class Note(models.Model):
    """A text about one station, such as what a technician has found."""

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="notes", db_index=False, verbose_name=_("station")
    )
    text = models.TextField(max_length=MOST_CHARACTERS)
    author = models.CharField(max_length=150, help_text=_("The operator or the API key that wrote it."))
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        constraints = [models.CheckConstraint(condition=~models.Q(text=""), name="note_has_text")]
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="note_by_station"),
            models.Index(fields=["charge_point", "updated_at"], name="note_by_change"),
        ]

    def __str__(self) -> str:
        return self.text if len(self.text) <= _SHORT else f"{self.text[: _SHORT - 1]}…"
