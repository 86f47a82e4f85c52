"""Cells that show a stored command on the live pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Command
from ocpp_server.admin import cells, tones
from ocpp_server.transport.outcomes import Outcome

# The states of a command in a word or two; the list of commands has the full sentences.
SHORT: dict[str, Promise] = {
    Command.State.QUEUED: _("Queued"),
    Command.State.SENT: _("Sent"),
    Command.State.ACCEPTED: _("Accepted"),
    Command.State.PARTIAL: _("Partly accepted"),
    Command.State.EMPTY: _("Nothing found"),
    Command.State.REJECTED: _("Rejected"),
    Command.State.ERROR: _("Error"),
    Command.State.TIMEOUT: _("No answer"),
    Command.State.DISCONNECTED: _("Connection lost"),
    Command.State.INVALID: _("Invalid answer"),
    Command.State.LATE: _("Too late"),
}


def outcome(command: Command) -> str:
    """The state in a few words, with the station's own status and reason, or its error; and its effect."""
    if command.has_dropped:
        return gettext("The station dropped the connection, as resets do; waiting for its BootNotification")
    words = _answered(command)
    return f"{words}; {command.effect_words}" if command.effect else words


def is_settled(command: Command) -> bool:
    """Whether nothing more is expected: the station has answered, and done what follows."""
    return command.is_finished and not command.awaits_effect


def _answered(command: Command) -> str:
    found = command.outcome
    words = str(SHORT[command.state])
    if command.state == Command.State.EMPTY and not command.status:
        return gettext("Nothing to send")
    detail = command.status or " ".join(filter(None, (command.error_code, command.error_description)))
    if words.casefold().startswith(detail.casefold()):
        detail = ""
    details = ", ".join(filter(None, (_share(found), detail, found.reason)))
    return f"{words} ({details})" if details else words


def _share(found: Outcome) -> str:
    if not found.share:
        return ""
    return gettext("%(done)s of %(items)s") % {"done": found.done, "items": found.items}


def action(command: Command) -> cells.Cell:
    return cells.text(command.action, href=reverse("admin:chargepoints_command_change", args=[command.pk]))


def state(command: Command) -> cells.Cell:
    return cells.label(outcome(command), tones.COMMAND.get(command.state, ""))


def duration(command: Command) -> cells.Cell:
    """The time from sending to the answer."""
    if not (command.finished_at and command.sent_at):
        return cells.text("–")
    milliseconds = (command.finished_at - command.sent_at).total_seconds() * 1000
    return cells.text(f"{milliseconds:,.0f}{cells.NBSP}ms")
