"""The message log: one row per exchange."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from ocpp_server.sites import SiteManager
from ocpp_server.storage.fields import CompressedTextField
from ocpp_server.storage.row_titles import titled


class Message(models.Model):
    """A CALL and its answer, secrets masked. Append-only, kept for OCPP_MESSAGE_RETENTION."""

    class Direction(models.TextChoices):
        IN = "in", _("From the station")
        OUT = "out", _("To the station")

    # No constraint: PostgreSQL would check each row with a query. Deleting a station deletes its rows.
    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="messages", db_index=False, db_constraint=False
    )
    direction = models.CharField(max_length=3, choices=Direction.choices)
    message_id = models.CharField(max_length=255)
    action = models.CharField(max_length=64)
    request = CompressedTextField(
        null=True,
        db_column="request_packed",
        before="request_text",
        help_text=_("The payload's JSON text as sent."),
    )
    response = CompressedTextField(
        null=True,
        db_column="response_packed",
        before="response_text",
        help_text=_("The answer's payload, or the error's details."),
    )
    # Only rows of the releases that stored plain texts have one.
    request_text = models.TextField(db_column="request", default="", editable=False)
    response_text = models.TextField(db_column="response", default="", editable=False)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_description = models.CharField(max_length=1000, blank=True, default="")
    size = models.PositiveIntegerField(help_text=_("Bytes of the request's frame."))
    duration_ms = models.FloatField(null=True, help_text=_("Milliseconds from request to answer."))
    at = models.DateTimeField(_("time"))

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        # By id: a time has 26 characters on SQLite, and every message writes the index.
        indexes = [models.Index(fields=["charge_point", "-id"], name="message_by_station")]

    def __str__(self) -> str:
        link = "to" if self.direction == self.Direction.OUT else "of"
        return titled(f"{self.title} {link} {self.charge_point}", self.at)

    @property
    def title(self) -> str:
        """The action; a broken frame may have none that can be read."""
        return self.action or gettext("No readable action")
