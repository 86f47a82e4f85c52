"""Commands to stations, and their results."""

from __future__ import annotations

import re
from typing import Final

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from ocpp_server.protocol import actions
from ocpp_server.sites import SiteManager
from ocpp_server.storage.row_titles import titled
from ocpp_server.transport import effects, outcomes
from ocpp_server.transport.command_store import Effect, State
from ocpp_server.transport.outcomes import Outcome

# The outcome of a command's effect, in words, by the effect's name and state.
_EFFECTS: Final[dict[tuple[str, str], Promise]] = {
    (effects.BOOTED, Effect.WAITING): _("waiting for the BootNotification"),
    (effects.BOOTED, Effect.SEEN): _("the station has booted"),
    (effects.BOOTED, Effect.MISSED): _("the station did not boot"),
    (effects.RECEIVED, Effect.WAITING): _("waiting for the message"),
    (effects.RECEIVED, Effect.SEEN): _("the message was received"),
    (effects.RECEIVED, Effect.MISSED): _("the message did not come"),
}
# The actor of the commands of a campaign. The names of operators and keys can't look like this.
_CAMPAIGN: Final = re.compile(r"campaign (\d{1,18})")


def campaign_actor(number: int) -> str:
    """The actor of the commands that a campaign sends."""
    return f"campaign {number}"


class CommandQuerySet(models.QuerySet["Command"]):
    def finished(self, is_finished: bool) -> CommandQuerySet:
        """The commands with a final state, or those without one."""
        waiting = models.Q(state__in=(Command.State.QUEUED, Command.State.SENT))
        return self.filter(~waiting if is_finished else waiting)

    def unfinished(self) -> CommandQuerySet:
        """The commands that wait for their answer."""
        waiting = self.filter(state__in=(Command.State.QUEUED, Command.State.SENT))
        return waiting.exclude(effect=Command.Effect.WAITING)

    def awaiting_boot(self) -> CommandQuerySet:
        """The commands that restart their station, whose boot has not come yet."""
        return self._awaiting_effect().filter(action__in=actions.RESTARTS)

    def awaiting_message(self) -> CommandQuerySet:
        """The accepted triggers whose message has not come yet."""
        return self._awaiting_effect().filter(action__in=effects.TRIGGERS)

    def _awaiting_effect(self) -> CommandQuerySet:
        return self.filter(effect=Command.Effect.WAITING, effect_until__isnull=False)


class Command(models.Model):
    """One CALL to a station. The id is the OCPP message id, the API's requestId and the log's message_id."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENT = "sent", _("Sent")
        ACCEPTED = "accepted", _("Accepted")
        PARTIAL = "partial", _("Partly accepted")
        EMPTY = "empty", _("Nothing found")
        REJECTED = "rejected", _("Rejected by the station")
        ERROR = "error", _("Answered with an error")
        TIMEOUT = "timeout", _("No answer in time")
        DISCONNECTED = "disconnected", _("Connection lost")
        INVALID = "invalid", _("Answer not valid")
        LATE = "late", _("Answered too late")

    class Effect(models.TextChoices):
        WAITING = "waiting", _("Waiting for the effect")
        SEEN = "seen", _("The effect has come")
        MISSED = "missed", _("The effect has not come")

    id = models.CharField(primary_key=True, max_length=36)
    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="commands")
    action = models.CharField(max_length=64)
    payload = models.JSONField(help_text=_("As sent, secrets masked."))
    actor = models.CharField(max_length=150, blank=True, default="")
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    status = models.CharField(max_length=64, blank=True, default="", help_text=_("The status in the answer."))
    response = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_description = models.CharField(max_length=1000, blank=True, default="")
    error_details = models.JSONField(null=True, blank=True)
    effect = models.CharField(
        max_length=16,
        choices=Effect.choices,
        blank=True,
        default="",
        db_default="",
        help_text=_("Of a Reset: the boot that follows. Of a trigger: the requested message."),
    )
    effect_until = models.DateTimeField(
        null=True, blank=True, help_text=_("The server waits for the effect until then; empty afterwards.")
    )
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SiteManager.from_queryset(CommandQuerySet)()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["charge_point", "-created_at"], name="command_by_station"),
            models.Index(fields=["state", "deadline_at"], name="command_by_deadline"),
            models.Index(fields=["-created_at"], name="command_by_time"),
            # SQLite uses a partial index only for a condition without a value.
            models.Index(
                fields=["effect_until"],
                condition=models.Q(effect_until__isnull=False),
                name="command_awaiting_boot",
            ),
        ]

    def __str__(self) -> str:
        return titled(f"{self.action} to {self.charge_point}", self.created_at)

    @property
    def is_finished(self) -> bool:
        return self.state not in (Command.State.QUEUED, Command.State.SENT)

    @property
    def campaign_number(self) -> int | None:
        """The number of the campaign that has sent it; None for a command of its own."""
        found = _CAMPAIGN.fullmatch(self.actor)
        return None if found is None else int(found[1])

    @property
    def awaits_effect(self) -> bool:
        return self.effect == self.Effect.WAITING

    @property
    def effect_name(self) -> str:
        """The name of what the command leads to; empty for a command that nothing follows."""
        return effects.name_of(self.action) if self.effect else ""

    @property
    def effect_words(self) -> str:
        """The outcome of the effect, in words; empty for a command that nothing follows."""
        return str(_EFFECTS[self.effect_name, self.effect]) if self.effect else ""

    @property
    def has_dropped(self) -> bool:
        """Whether the station dropped the connection instead of an answer, as restarts do, and will boot."""
        return self.awaits_effect and self.state == self.State.SENT

    @property
    def outcome(self) -> Outcome:
        """The meaning of the station's answer; for a command without a valid answer, its state alone."""
        if self.state in outcomes.ANSWERED and isinstance(self.response, dict):
            # The state is stored: an earlier release may have understood the answer differently.
            return outcomes.outcome(self.action, self.response)._replace(state=State(self.state))
        return Outcome(State(self.state))
