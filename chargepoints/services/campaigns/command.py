"""The kind "command": a campaign that sends any declared command with its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import CampaignStation, ChargePoint, Command
from chargepoints.services.campaigns import kinds
from chargepoints.services.campaigns.kinds import Arguments, Result
from ocpp_server import commanding, live
from ocpp_server.api.command_bodies import body_of
from ocpp_server.api.errors import flatten
from ocpp_server.commanding import OperatorCommand
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.observability.masking import masked

State, Reason = CampaignStation.State, CampaignStation.Reason

# The error codes of a station that does not know the action; asking again is useless.
_UNSUPPORTED: Final = frozenset({"NotImplemented", "NotSupported"})
_REASONS: Final = {
    Command.State.PARTIAL: Reason.REJECTED,
    Command.State.REJECTED: Reason.REJECTED,
    Command.State.ERROR: Reason.ERROR,
    Command.State.DISCONNECTED: Reason.CONNECTION_LOST,
    Command.State.INVALID: Reason.INVALID_ANSWER,
}


class CommandKind:
    """Its arguments are `command`, the name of the declaration, and `fields`, the body of its endpoint."""

    name = "command"
    title = _("Command")

    def check(self, arguments: Arguments) -> dict[str, Any]:
        unknown = sorted(arguments.keys() - {"command", "fields"})
        if unknown:
            raise Invalid("Unknown; known are command, fields.", field=f"arguments.{unknown[0]}")
        command = commanding.find(str(arguments.get("command", "")))
        if command is not None and (own := kinds.only_kind_of(command.name)):
            raise Invalid(f"Use the kind {own}, which waits for the result.", field="arguments.command")
        if command is None or not command.fits_many:
            names = ", ".join(one.name for one in commanding.commands() if _fits(one))
            raise Invalid(f"Must be one of {names}.", field="arguments.command")
        fields = arguments.get("fields", {})
        validated(command, fields)
        return {"command": command.name, "fields": fields}

    def role(self, arguments: Arguments) -> Role:
        return declared(arguments["command"]).role

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        fields = masked(arguments["fields"])
        if isinstance(fields.get("payload"), dict):
            fields["payload"] = masked(arguments["fields"]["payload"], str(fields.get("action", "")))
        return {**arguments, "fields": fields}

    def sentence(self, arguments: Arguments) -> str:
        name = str(arguments.get("command", ""))
        command = commanding.find(name)
        title = name if command is None else str(command.title)
        fields = ", ".join(f"{name}: {value}" for name, value in arguments.get("fields", {}).items())
        return f"{title} ({fields})" if fields else title

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        command = declared(arguments["command"])
        asked = validated(command, arguments["fields"])
        await command.perform(charge_point, actor=actor, wait=False, **asked)
        return None

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        return results_of(rows)


def _fits(command: OperatorCommand) -> bool:
    return command.fits_many and not kinds.only_kind_of(command.name)


def declared(name: str) -> OperatorCommand:
    """The command of this name. Raises Invalid in a release without it."""
    command = commanding.find(name)
    if command is None:
        raise Invalid(f"There is no command {name}.", field="arguments.command")
    return command


async def at_present(charge_point: ChargePoint) -> ChargePoint:
    """The station with the version of its connection: its row has that of the last message. Raises
    StationOffline.
    """
    connection = await live.state().connection(charge_point.identity)
    if connection is None:
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    charge_point.ocpp_version = connection.version
    return charge_point


def validated(command: OperatorCommand, fields: Any, *, below: str = "arguments.fields") -> dict[str, Any]:
    """The fields of a command by the names of its arguments. `below` is in front of the names of the wrong
    ones. Raises Invalid.
    """
    body = body_of(command)(data=fields)
    if not body.is_valid():
        errors = [
            {"field": f"{below}.{one['field']}".removesuffix(".body"), "reason": one["reason"]}
            for one in flatten(body.errors)
        ]
        raise Invalid(f"The fields are not valid for {command.name}.", errors=errors)
    return dict(body.validated_data)


# -- the results of sent commands ----------------------------------------------------------------------------


def sent_for(rows: Sequence[CampaignStation]) -> dict[int, list[Command]]:
    """The commands of the last attempt of these rows of one campaign, by key, in order. One query.

    The list is empty if the command with the claim was deleted.
    """
    firsts = {row.claim for row in rows}
    oldest = min((row.claimed_at for row in rows if row.claimed_at), default=None)
    if oldest is None:
        return {}
    sent = Command.objects.filter(
        charge_point__in=[row.charge_point_id for row in rows], created_at__gte=oldest
    ).order_by("created_at")
    by_station: dict[tuple[int, str], list[Command]] = {}
    begins = {command.pk: command for command in sent if command.pk in firsts}
    for command in sent:
        by_station.setdefault((command.charge_point_id, command.actor), []).append(command)
    found: dict[int, list[Command]] = {}
    for row in rows:
        first = begins.get(row.claim)
        all_of_it = by_station[first.charge_point_id, first.actor] if first else []
        found[row.pk] = [one for one in all_of_it if first and one.created_at >= first.created_at]
    return found


def results_of(rows: Sequence[CampaignStation]) -> dict[int, Result]:
    """The results of rows of one campaign whose commands have ended, by key. One query.

    A command that was sent in parts has ended when each of its parts has.
    """
    found = {row: result_of(parts) for row, parts in sent_for(rows).items()}
    return {row: result for row, result in found.items() if result is not None}


def result_of(parts: Sequence[Command]) -> Result | None:
    """The first failure of the parts; a success if there is none, and None while one has not ended."""
    if not parts:
        return deleted(gettext("The command was deleted before its result was read."))
    failure = next((result for part in parts if (result := failure_of(part)) is not None), None)
    if not all(_has_ended(part) for part in parts):
        return None
    return failure or Result(State.DONE, detail=parts[0].status)


def deleted(sentence: str) -> Result:
    """The result of a row whose evidence is gone."""
    return Result(State.FAILED, Reason.SERVER_ERROR, sentence)


def _has_ended(command: Command) -> bool:
    return command.is_finished and not command.awaits_effect


def failure_of(command: Command) -> Result | None:
    """The failure of an ended command; None for a success."""
    if command.effect == Command.Effect.MISSED:
        return Result(State.FAILED, Reason.NO_EFFECT, str(Command.Effect.MISSED.label))
    if command.effect == Command.Effect.SEEN or command.outcome.is_success:
        return None
    reason = _REASONS.get(Command.State(command.state), Reason.NO_ANSWER)
    if reason == Reason.ERROR and command.error_code in _UNSUPPORTED:
        reason = Reason.NOT_SUPPORTED
    answered = command.status or command.error_code
    said = command.outcome.reason or command.error_description
    return Result(State.FAILED, reason, ": ".join(filter(None, (answered, said))))


def skipped_if_lacking(result: Result, command: Command) -> Result:
    """The result; a station that has answered that it has no such function is skipped instead."""
    if not {command.status, command.error_code} & _UNSUPPORTED:
        return result
    answer = command.status or command.error_code
    sentence = gettext("The station answered %(action)s with %(answer)s.")
    return Result(
        State.SKIPPED, Reason.NOT_SUPPORTED, sentence % {"action": command.action, "answer": answer}
    )


COMMAND: Final = CommandKind()
