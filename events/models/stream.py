"""The last numbers that were given to events. Deleting old events does not free their numbers."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Stream(models.Model):
    """The stream of all events: one row. Its lock makes the readers that number events take turns."""

    ALL = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ALL)
    position = models.BigIntegerField(default=0, help_text=_("The position of the last numbered event."))

    class Meta:
        db_table = "api_event_stream"

    def __str__(self) -> str:
        return str(self.position)


class StationStream(models.Model):
    """The events of one station, by its identity: a station that is deleted and added again goes on."""

    station = models.CharField(primary_key=True, max_length=255)
    sequence = models.BigIntegerField(default=0, help_text=_("The sequence of its last numbered event."))
    is_online = models.BooleanField(
        null=True, help_text=_("Whether its last event of presence was station.online.")
    )

    class Meta:
        db_table = "api_event_stations"
        indexes = [
            models.Index(fields=["station"], name="event_station_online", condition=models.Q(is_online=True))
        ]

    def __str__(self) -> str:
        return f"{self.station}: {self.sequence}"
