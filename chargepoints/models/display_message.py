"""Messages on the displays of stations."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from ocpp_server.sites import SiteManager


def new_key() -> str:
    """A key that is known before the row is stored."""
    return str(uuid.uuid4())


class DisplayMessageQuerySet(models.QuerySet["DisplayMessage"]):
    def current(self) -> DisplayMessageQuerySet:
        """The messages that the stations have, or may have."""
        return self.filter(ended_at__isnull=True)


class DisplayMessage(models.Model):
    """One request to show a message, or a message that a station reported.

    The key of a requested message is the id of its command. A message that replaces another one has a row of
    its own.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        CONFIRMED = "confirmed", _("At the station")
        UNANSWERED = "unanswered", _("No answer: the station may have it")
        REFUSED = "refused", _("Rejected by the station")
        REPLACED = "replaced", _("Replaced")
        CLEARED = "cleared", _("Cleared")
        MISSING = "missing", _("Not found at the station")
        ENDED = "ended", _("Session ended")
        EXPIRED = "expired", _("Expired")

    class Priority(models.TextChoices):
        ALWAYS_FRONT = "AlwaysFront", _("Always, before all others")
        IN_FRONT = "InFront", _("Before others")
        NORMAL_CYCLE = "NormalCycle", _("In turn with others")

    id = models.CharField(primary_key=True, max_length=36, default=new_key, editable=False)
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="display_messages",
        db_index=False,
        verbose_name=_("station"),
    )
    number = models.BigIntegerField(_("message ID"), help_text=_("The ID of the message at the station."))
    is_foreign = models.BooleanField(
        _("from elsewhere"),
        default=False,
        help_text=_("The station reported it; this server has not set it."),
    )
    priority = models.CharField(max_length=16)
    station_state = models.CharField(
        _("shown while"),
        max_length=16,
        blank=True,
        default="",
        help_text=_("The state in which the station shows it; empty for any."),
    )
    starts_at = models.DateTimeField(_("from"), null=True)
    ends_at = models.DateTimeField(_("until"), null=True)
    transaction = models.CharField(
        _("session"),
        max_length=36,
        blank=True,
        default="",
        help_text=_("The station's ID of the session with which the message ends; empty for none."),
    )
    format = models.CharField(max_length=16)
    language = models.CharField(max_length=8, blank=True, default="")
    content = models.TextField()
    extra = models.JSONField(
        _("other languages"), default=list, help_text=_("2.1: the message in other languages.")
    )
    display = models.JSONField(
        default=dict, help_text=_("The component of the display; empty for the main one.")
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.REQUESTED)
    reason = models.CharField(max_length=600, blank=True, default="", help_text=_("Why it was rejected."))
    actor = models.CharField(max_length=150, blank=True, default="", help_text=_("The one who asked for it."))
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = SiteManager.from_queryset(DisplayMessageQuerySet)()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("display message")
        verbose_name_plural = _("display messages")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, state__in=("requested", "confirmed", "unanswered"))
                | models.Q(
                    ended_at__isnull=False,
                    state__in=("refused", "replaced", "cleared", "missing", "ended", "expired"),
                ),
                name="display_message_ends_once",
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-created_at"], name="display_message_by_station"),
            models.Index(
                fields=["charge_point"],
                condition=models.Q(ended_at__isnull=True),
                name="display_message_current",
            ),
            models.Index(
                fields=["ends_at"],
                condition=models.Q(ended_at__isnull=True),
                name="display_message_by_end",
            ),
            models.Index(
                fields=["ended_at"],
                condition=models.Q(ended_at__isnull=False),
                name="display_message_ended",
            ),
            models.Index(fields=["-created_at"], name="display_message_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.number} at {self.charge_point}"

    @property
    def is_current(self) -> bool:
        """Whether the station has it, or may have it."""
        return self.ended_at is None

    @property
    def command_id(self) -> str | None:
        """The command that asked for it; None for one from elsewhere."""
        return None if self.is_foreign else self.pk
