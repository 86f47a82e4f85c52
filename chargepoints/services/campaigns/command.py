"""The kind "command": a campaign that sends any declared command with its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import CampaignStation, ChargePoint, Command
from chargepoints.services.campaigns.kinds import Arguments, Result
from ocpp_server import commanding
from ocpp_server.api.command_bodies import body_of
from ocpp_server.api.errors import flatten
from ocpp_server.commanding import OperatorCommand
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid
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
        if command is None or not command.fits_many:
            names = ", ".join(one.name for one in commanding.commands() if one.fits_many)
            raise Invalid(f"Must be one of {names}.", field="arguments.command")
        fields = arguments.get("fields", {})
        self._validated(command, fields)
        return {"command": command.name, "fields": fields}

    def role(self, arguments: Arguments) -> Role:
        return _declared(arguments).role

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
        command = _declared(arguments)
        asked = self._validated(command, arguments["fields"])
        await command.perform(charge_point, actor=actor, wait=False, **asked)
        return None

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        return results_of(rows)

    def _validated(self, command: OperatorCommand, fields: Any) -> dict[str, Any]:
        """The fields by the names of the arguments. Raises Invalid."""
        body = body_of(command)(data=fields)
        if not body.is_valid():
            errors = [
                {"field": f"arguments.fields.{one['field']}".removesuffix(".body"), "reason": one["reason"]}
                for one in flatten(body.errors)
            ]
            raise Invalid(f"The fields are not valid for {command.name}.", errors=errors)
        return dict(body.validated_data)


def _declared(arguments: Arguments) -> OperatorCommand:
    command = commanding.find(arguments["command"])
    if command is None:  # a release without it
        raise Invalid(f"There is no command {arguments['command']}.", field="arguments.command")
    return command


# -- the results of sent commands ----------------------------------------------------------------------------


def results_of(rows: Sequence[CampaignStation]) -> dict[int, Result]:
    """The results of rows of one campaign whose commands have ended, by key. One query.

    A command that was sent in parts has ended when each of its parts has.
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
    found = {}
    for row in rows:
        first = begins.get(row.claim)
        if first is None:
            sentence = gettext("The command was deleted before its result was read.")
            found[row.pk] = Result(State.FAILED, Reason.SERVER_ERROR, sentence)
            continue
        parts = by_station[first.charge_point_id, first.actor]
        result = _result([part for part in parts if part.created_at >= first.created_at])
        if result is not None:
            found[row.pk] = result
    return found


def _result(parts: Sequence[Command]) -> Result | None:
    """The first failure of the parts; a success if there is none, and None while one has not ended."""
    failure = next((result for part in parts if (result := _failure(part)) is not None), None)
    if not all(_has_ended(part) for part in parts):
        return None
    return failure or Result(State.DONE, detail=parts[0].status)


def _has_ended(command: Command) -> bool:
    return command.is_finished and not command.awaits_effect


def _failure(command: Command) -> Result | None:
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


COMMAND: Final = CommandKind()
