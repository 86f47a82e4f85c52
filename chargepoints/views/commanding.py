"""Commands over REST: an endpoint for each declaration, and the HTTP answer for a command's result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from asgiref.sync import async_to_sync
from django.utils.module_loading import import_string
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.models import ChargePoint, Command
from chargepoints.serializers import EffectSerializer
from chargepoints.views.lookups import STATION_PATH, station
from ocpp_server.api import scopes
from ocpp_server.api.authentication import actor
from ocpp_server.api.command_bodies import body_of, camel, echo_field
from ocpp_server.api.documents import Method, WaitQuery, described, enveloped
from ocpp_server.api.envelope import answer, refusal
from ocpp_server.api.fields import ReadSerializer, StrictSerializer
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView, body
from ocpp_server.api.waiting import is_change, release_connection
from ocpp_server.commanding import OperatorCommand, Result, commands
from ocpp_server.error_codes import Code, of_station
from ocpp_server.observability.masking import masked

Outcome = TypeVar("Outcome")  # a command, or the result of several commands


def send(
    request: Request,
    intent: Callable[..., Awaitable[Outcome]],
    charge_point: ChargePoint,
    *,
    timeout: float | None = None,
    **arguments: Any,
) -> Outcome:
    """Run a command function for this request, and wait unless it has `?wait=false`.

    Raises StationOffline at once when the station is not connected, QueueFull, Invalid, Conflict.
    """
    wait = query(WaitQuery, request).validated_data["wait"] == "true" if is_change(request) else True
    release_connection()
    return async_to_sync(intent)(charge_point, actor=actor(request), timeout=timeout, wait=wait, **arguments)


def command_answer(
    command: Command, charge_point: ChargePoint, data: Mapping[str, Any], *, noun: str = ""
) -> Response:
    """The answer for a command: `data` with the command's id and status; the HTTP status by its state."""
    noun = noun or command.action
    station = charge_point.identity
    shared = {"requestId": command.id, "clientId": station, **data, "status": status_word(command)}
    shared |= reason_fields(command)
    match command.state:
        case Command.State.ACCEPTED | Command.State.EMPTY:
            return answer(_sentence(command, charge_point, noun), shared)
        case Command.State.PARTIAL | Command.State.REJECTED:
            is_success = command.outcome.is_success
            code = Code.PARTIAL if command.state == Command.State.PARTIAL else Code.REJECTED
            shared |= {} if is_success else {"code": code.value}
            return answer(_sentence(command, charge_point, noun), shared, success=is_success)
        case Command.State.SENT if command.has_dropped:
            sentence = (
                f"{station} dropped the connection before it answered {noun}, as resets do. Waiting for its "
                f"BootNotification; get the command {command.id} for the result."
            )
            return answer(sentence, {**shared, "effect": EffectSerializer(command).data}, status=202)
        case Command.State.QUEUED | Command.State.SENT:
            sentence = f"{noun} was queued for {station}. Get the command {command.id} for its result."
            return answer(sentence, shared, status=202)
        case Command.State.ERROR:
            failed = {
                **shared,
                "code": of_station(command.error_code),
                "errorCode": command.error_code,
                "description": command.error_description,
                "details": command.error_details or {},
            }
            return refusal(f"{station} answered {noun} with the error {command.error_code}.", 502, failed)
        case Command.State.INVALID:
            failed = {**shared, "response": masked(command.response, command.action)}
            sentence = f"{station} sent an invalid answer to {noun}."
            return refusal(sentence, 502, failed, code=Code.INVALID_ANSWER)
        case Command.State.DISCONNECTED:
            sentence = f"{station} went offline before it answered {noun}."
            return refusal(sentence, 503, shared, code=Code.WENT_OFFLINE)
        case Command.State.TIMEOUT if command.error_description:
            sentence = f"{noun} was not sent to {station}. {command.error_description}"
            return refusal(sentence, 408, shared)
        case _:
            return refusal(f"{station} did not answer {noun} in time.", 408, shared)


def pending_answer(command: Command, charge_point: ChargePoint, sentence: str) -> Response:
    """The answer for an accepted command whose content is still to come."""
    shared = {"requestId": command.id, "clientId": charge_point.identity, "status": status_word(command)}
    return answer(sentence, shared, status=202)


def status_word(command: Command) -> str:
    """The station's own status, or the command's state when the answer has none."""
    return command.status or Command.State(command.state).value.capitalize()


def reason_fields(command: Command) -> dict[str, Any]:
    """The station's reason, and the numbers of items where some were accepted; none that it did not give."""
    outcome = command.outcome
    fields: dict[str, Any] = {"accepted": outcome.done, "items": outcome.items} if outcome.share else {}
    named = {"reasonCode": outcome.reason_code, "additionalInfo": outcome.additional_info}
    return fields | {name: text for name, text in named.items() if text}


def _sentence(command: Command, charge_point: ChargePoint, noun: str) -> str:
    """The sentence about an answer of the station."""
    station, outcome, word = charge_point.identity, command.outcome, status_word(command)
    reason = f" ({outcome.reason.rstrip('.')})" if outcome.reason else ""
    match command.state:
        case Command.State.PARTIAL:
            return f"{station} accepted {outcome.share} items of {noun}: {word}{reason}."
        case Command.State.REJECTED:
            return f"{station} rejected {noun}: {word}{reason}."
        case Command.State.EMPTY if not command.status:
            return f"{station} answered {noun}: it has nothing to send."
    return f"{station} answered {noun}: {word}."


class SentSerializer(ReadSerializer):
    """The common fields of all commands' answers."""

    requestId = serializers.CharField(help_text="The OCPP message id.")
    clientId = serializers.CharField()
    status = serializers.CharField(help_text="The station's own status, or the command's state.")
    reasonCode = serializers.CharField(required=False, help_text="The station's reason, in 2.x.")
    additionalInfo = serializers.CharField(required=False, help_text="The station's explanation, in 2.x.")
    accepted = serializers.IntegerField(
        required=False, help_text="The number of accepted items, where the station accepted only some."
    )
    items = serializers.IntegerField(required=False, help_text="The number of all items, beside `accepted`.")
    # Not read-only: the document would require it in every answer.
    effect = EffectSerializer(required=False, read_only=False)
    warning = serializers.CharField(
        required=False, help_text="A sentence about what will probably go wrong, such as an unknown token."
    )


class CommandAnswerSerializer(SentSerializer):
    action = serializers.CharField()
    response = serializers.JSONField(allow_null=True)
    requestIds = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="The commands that were sent, where the station's limits needed several.",
    )


def perform(
    request: Request, command: OperatorCommand, charge_point: ChargePoint, asked: dict[str, Any]
) -> Response:
    """Send a declared command with a validated body, and answer."""
    return answer_of(command, send(request, command.perform, charge_point, **asked), charge_point)


def answer_of(command: OperatorCommand, result: Result, charge_point: ChargePoint) -> Response:
    """The answer for the result of a declared command."""
    row: Command = result.command
    data = result.data
    if data is None:
        data = {"action": row.action, "response": masked(row.response, row.action)}
    if result.warning:
        data = {**data, "warning": result.warning}
    if result.pending:
        return pending_answer(row, charge_point, result.pending)
    answered = command_answer(row, charge_point, data, noun=command.rest.noun)
    # Read by `api.idempotency`.
    answered.shown_once = frozenset(result.shown_once)  # type: ignore[attr-defined]
    return answered


@dataclass(frozen=True)
class CommandOperation:
    """A declared command as an operation of the charge points' resource: POST .../{client_id}/<path>."""

    command: OperatorCommand

    @property
    def method_name(self) -> str:
        return f"command_{self.command.name.replace('-', '_')}"

    def install(self, resource: type[ApiView]) -> Callable[..., Response]:
        """The method of the viewset, documented."""
        command = self.command

        def run(view: ApiView, request: Request, client_id: str) -> Response:
            charge_point = station(client_id)
            return perform(request, command, charge_point, body(body_of(command), request))

        run.__name__ = run.__qualname__ = self.method_name
        made = action(
            detail=True,
            methods=["post"],
            url_path=command.path,
            write_role=command.role,
            scope_group=scopes.COMMANDS,
        )(run)
        return documented(command, body_of(command), path=STATION_PATH)(made)


def operations() -> tuple[CommandOperation, ...]:
    """The operations of all declared commands without a view of their own."""
    return tuple(CommandOperation(one) for one in commands() if not one.rest.is_served_elsewhere)


def documented(
    command: OperatorCommand, kind: type[StrictSerializer], *, answers: Any = None, **how: Any
) -> Callable[[Method], Method]:
    """Describe a command's endpoint in the OpenAPI document. `kind` is the serializer of its body."""
    return described(
        str(command.sentence).removesuffix("."),
        answers or answers_of(command),
        tag=how.pop("tag", "Commands"),
        body=kind,
        waits=True,
        changes=True,
        also=(400, 404),
        description="\n\n".join(filter(None, (command.rest.description, _sent_as(command)))),
        **how,
    )


def _sent_as(command: OperatorCommand) -> str:
    """The part of the description that every command has."""
    sent = f"Sends {' or '.join(command.actions) or 'the message'} to the station and waits for its answer."
    return (
        f"{sent} With `wait=false` the answer is 202 at once, and `GET .../commands/{{requestId}}` has the "
        "result later. An offline station is 503."
    )


@cache
def answers_of(command: OperatorCommand, name: str = "", **more: Any) -> Any:
    """The envelope of a command's answer; `more` are fields of one endpoint alone."""
    rest, name = command.rest, name or f"{camel(command)}Answer"
    if rest.answer:
        return enveloped(name, import_string(rest.answer))
    if not rest.echo:
        return enveloped("IntentAnswer", CommandAnswerSerializer)
    echoed = {field.name: echo_field(field) for field in command.fields if field.name in rest.echo}
    return enveloped(name, type(f"{name}Serializer", (SentSerializer,), echoed | more))
