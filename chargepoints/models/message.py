"""The message log: one row an exchange."""

from __future__ import annotations

from django.db import models

from chargepoints.models.charge_point import ChargePoint


class Message(models.Model):
    """A CALL and what was answered to it, secrets masked. Append-only, kept for OCPP_MESSAGE_RETENTION."""

    class Direction(models.TextChoices):
        IN = "in", "From the station"
        OUT = "out", "To the station"

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    direction = models.CharField(max_length=3, choices=Direction.choices)
    message_id = models.CharField(max_length=255)
    action = models.CharField(max_length=64)
    request = models.TextField(help_text="The payload's JSON text as it was on the wire.")
    response = models.TextField(
        blank=True, default="", help_text="The answer's payload, or the error's details."
    )
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_description = models.CharField(max_length=1000, blank=True, default="")
    size = models.PositiveIntegerField(help_text="Bytes of the request's frame.")
    duration_ms = models.FloatField(null=True, help_text="Milliseconds from request to answer.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        # By number: a time is 26 characters on SQLite, and the index is written with every message.
        indexes = [models.Index(fields=["charge_point", "-id"], name="message_by_station")]

    def __str__(self) -> str:
        return f"{self.action} {self.message_id}"
