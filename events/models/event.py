"""Events: the outbox."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import models
from django.utils.translation import gettext_lazy as _

from ocpp_server import sites


class EventQuerySet(models.QuerySet["Event"]):
    def unnumbered(self) -> EventQuerySet:
        return self.filter(position__isnull=True)

    def numbered(self) -> EventQuerySet:
        return self.filter(position__isnull=False).order_by("position")

    def of_caller(self) -> EventQuerySet:
        """The events that the present caller may see: all, if it is not limited to sites."""
        ids = sites.current()
        return self if ids is None else self.filter(Event.of_sites(ids))


class Event(models.Model):
    """An event, written in the transaction of the change that it is about and numbered after its commit.

    `station` is the identity and no foreign key: an event outlives its station, and the check of a key would
    lock the station's row with every message.
    """

    uid = models.CharField(max_length=36, editable=False)
    type = models.CharField(max_length=48)
    version = models.PositiveSmallIntegerField(default=1)
    station = models.CharField(max_length=255, blank=True, default="", help_text=_("The station's identity."))
    site_id = models.BigIntegerField(_("site"), null=True, blank=True)
    position = models.BigIntegerField(
        null=True, blank=True, unique=True, help_text=_("The place in the stream of all events.")
    )
    sequence = models.BigIntegerField(
        null=True, blank=True, help_text=_("The place among the events of its station.")
    )
    data = models.TextField(help_text=_("JSON."))
    is_personal = models.BooleanField(_("personal"), default=False)
    at = models.DateTimeField(_("time"))

    objects = EventQuerySet.as_manager()

    class Meta:
        db_table = "api_events"
        ordering = ["-id"]
        verbose_name = _("event")
        verbose_name_plural = _("events")
        # No `unique=True`: PostgreSQL would get a second index of the same column, for LIKE.
        constraints = [models.UniqueConstraint(fields=["uid"], name="event_uid")]
        # Only numbered events: one without a number is found by its null in the unique index of `position`,
        # and each index costs with every event.
        indexes = [
            models.Index(
                fields=["station", "position"],
                name="event_by_station",
                condition=models.Q(position__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.uid}"

    @classmethod
    def of_sites(cls, ids: frozenset[int]) -> models.Q:
        """The events of these sites, and refused connections of unknown stations, which have no site yet.

        The manager finds all events: the stream is numbered and read as a whole.
        """
        found = models.Q(site_id__in=ids)
        if sites.UNKNOWN in ids:
            found |= models.Q(type="station.refused", station="", site_id__isnull=True)
        return found

    def is_of_sites(self, ids: frozenset[int]) -> bool:
        """The same as `of_sites`, for a row in memory."""
        is_unknown = self.type == "station.refused" and not self.station and self.site_id is None
        return self.site_id in ids or (is_unknown and sites.UNKNOWN in ids)

    @property
    def content(self) -> dict[str, Any]:
        """The decoded data."""
        content: dict[str, Any] = orjson.loads(self.data)
        return content
