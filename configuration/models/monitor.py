"""Monitors of a station's variables, and the streams in which 2.1 stations send their values."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.protocol.translate.monitors import Monitored
from ocpp_server.sites import SiteManager


def new_key() -> str:
    """A key that is known before the row is stored: the messages of a stream refer to it."""
    return str(uuid.uuid4())


class VariableMonitor(models.Model):
    """A monitor that a station has, as far as its reports and answers show (2.x N02-N06).

    The station chooses `monitor_id`, which may change when it restarts (N04.FR.19).
    """

    class Kind(models.TextChoices):
        """The source of a monitor, by its name in OCPP. 2.0.1 stations do not report it."""

        HARD_WIRED_NOTIFICATION = "HardWiredNotification", _("Hard-wired notification")
        HARD_WIRED = "HardWiredMonitor", _("Hard-wired")
        PRECONFIGURED = "PreconfiguredMonitor", _("Preconfigured")
        CUSTOM = "CustomMonitor", _("Custom")

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="variable_monitors",
        db_index=False,
        verbose_name=_("station"),
    )
    monitor_id = models.BigIntegerField(_("monitor ID"), help_text=_("The station's number of the monitor."))
    component = models.CharField(max_length=50)
    component_instance = models.CharField(max_length=50, blank=True, default="")
    evse_number = models.PositiveIntegerField(_("EVSE"), null=True)
    connector_number = models.PositiveIntegerField(_("connector"), null=True)
    variable = models.CharField(max_length=50)
    variable_instance = models.CharField(max_length=50, blank=True, default="")
    type = models.CharField(max_length=32, help_text=_("UpperThreshold, Delta, Periodic and so on."))
    value = models.FloatField(
        help_text=_("The limit, the change, or the seconds between two events of a periodic monitor.")
    )
    severity = models.PositiveSmallIntegerField(help_text=_("From 0, danger, to 9, for debugging."))
    is_for_transactions = models.BooleanField(
        _("during sessions only"), default=False, help_text=_("Works only while a session runs.")
    )
    kind = models.CharField(
        max_length=32,
        blank=True,
        default="",
        choices=Kind.choices,
        help_text=_("Empty for a monitor of a 2.0.1 station that this server did not set."),
    )
    stream_interval = models.PositiveIntegerField(
        null=True, help_text=_("Seconds between two messages of its event stream (2.1), as it was set.")
    )
    stream_values = models.PositiveIntegerField(
        null=True, help_text=_("Values in a message of its event stream (2.1), as it was set.")
    )
    reported_at = models.DateTimeField(help_text=_("When the station last reported or accepted it."))

    objects = SiteManager()

    class Meta:
        ordering = ["monitor_id"]
        verbose_name = _("monitor")
        verbose_name_plural = _("monitors")
        constraints = [
            models.UniqueConstraint(fields=["charge_point", "monitor_id"], name="variable_monitor_once")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.monitored.name}"

    @property
    def monitored(self) -> Monitored:
        """The variable that it monitors."""
        return Monitored(
            self.component,
            self.component_instance,
            self.evse_number,
            self.connector_number,
            self.variable,
            self.variable_instance,
        )


class EventStream(models.Model):
    """A stream of a monitor's values, which a 2.1 station has opened (N11)."""

    id = models.CharField(primary_key=True, max_length=36, default=new_key, editable=False)
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="event_streams",
        db_index=False,
        verbose_name=_("station"),
    )
    stream_id = models.BigIntegerField(_("stream ID"), help_text=_("The station's number of the stream."))
    monitor_id = models.BigIntegerField(_("monitor ID"), help_text=_("The station's number of the monitor."))
    interval = models.PositiveIntegerField(null=True, help_text=_("Seconds between two messages."))
    values = models.PositiveIntegerField(null=True, help_text=_("Values in a message."))
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-opened_at"]
        verbose_name = _("event stream")
        verbose_name_plural = _("event streams")
        indexes = [
            models.Index(fields=["charge_point", "-opened_at"], name="event_stream_by_station"),
            models.Index(fields=["-opened_at"], name="event_stream_by_time"),
            models.Index(
                fields=["charge_point"], condition=models.Q(closed_at__isnull=True), name="event_stream_open"
            ),
            models.Index(
                fields=["closed_at"], condition=models.Q(closed_at__isnull=False), name="event_stream_closed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream_id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class StreamMessage(models.Model):
    """One NotifyPeriodicEventStream: the values that it carried, in one row."""

    site_through = ("stream",)

    stream = models.ForeignKey(EventStream, on_delete=models.CASCADE, related_name="messages", db_index=False)
    base_at = models.DateTimeField(_("time"), help_text=_("The time to which the offsets are added."))
    pending = models.BigIntegerField(default=0, help_text=_("Values that the station had not sent yet."))
    data = models.JSONField(help_text=_("Pairs of an offset in seconds and a value."))
    received_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("stream message")
        verbose_name_plural = _("stream messages")
        indexes = [models.Index(fields=["stream", "-id"], name="stream_message_by_stream")]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.pk}"
