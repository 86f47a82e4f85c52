"""Cells that show a stored command on the live pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Command
from ocpp_server.admin import cells, tones

# The states of a command in a word or two; the list of commands has the full sentences.
SHORT: dict[str, Promise] = {
    Command.State.QUEUED: _("Queued"),
    Command.State.SENT: _("Sent"),
    Command.State.ACCEPTED: _("Accepted"),
    Command.State.REJECTED: _("Rejected"),
    Command.State.ERROR: _("Error"),
    Command.State.TIMEOUT: _("No answer"),
    Command.State.DISCONNECTED: _("Connection lost"),
    Command.State.INVALID: _("Invalid answer"),
    Command.State.LATE: _("Too late"),
}


def outcome(command: Command) -> str:
    """The state in a few words, with the station's own status or error."""
    detail = command.status or " ".join(filter(None, (command.error_code, command.error_description)))
    words = str(SHORT[command.state])
    return words if words.casefold().startswith(detail.casefold()) else f"{words} ({detail})"


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
