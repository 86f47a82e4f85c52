"""Commands over REST: the base view and bodies, and the HTTP answer for a command's result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, TypeVar

from asgiref.sync import async_to_sync
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.models import ChargePoint, Command
from chargepoints.views.lookups import STATION_PATH, station
from ocpp_server.api.authentication import actor
from ocpp_server.api.documents import Method, WaitQuery, described, enveloped
from ocpp_server.api.envelope import answer, refusal
from ocpp_server.api.fields import ReadSerializer, SecondsField, StrictSerializer
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView, body
from ocpp_server.api.waiting import is_change, release_connection
from ocpp_server.observability.masking import masked

Intent = Callable[..., Awaitable[Command]]
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
    match command.state:
        case Command.State.ACCEPTED:
            return answer(f"{station} answered {noun}: {status_word(command)}.", shared)
        case Command.State.REJECTED:
            return answer(f"{station} rejected {noun}: {status_word(command)}.", shared, success=False)
        case Command.State.QUEUED | Command.State.SENT:
            sentence = f"{noun} was queued for {station}. Get the command {command.id} for its result."
            return answer(sentence, shared, status=202)
        case Command.State.ERROR:
            failed = {
                **shared,
                "code": command.error_code,
                "description": command.error_description,
                "details": command.error_details or {},
            }
            return refusal(f"{station} answered {noun} with the error {command.error_code}.", 502, failed)
        case Command.State.INVALID:
            failed = {**shared, "response": masked(command.response, command.action)}
            return refusal(f"{station} sent an invalid answer to {noun}.", 502, failed)
        case Command.State.DISCONNECTED:
            return refusal(f"{station} went offline before it answered {noun}.", 503, shared)
        case _:
            return refusal(f"{station} did not answer {noun} in time.", 408, shared)


def status_word(command: Command) -> str:
    """The station's own status, or the command's state when the answer has none."""
    return command.status or Command.State(command.state).value.capitalize()


class SentSerializer(ReadSerializer):
    """The common fields of all commands' answers."""

    requestId = serializers.CharField(help_text="The OCPP message id.")
    clientId = serializers.CharField()
    status = serializers.CharField(help_text="The station's own status, or the command's state.")


class CommandAnswerSerializer(SentSerializer):
    action = serializers.CharField()
    response = serializers.JSONField(allow_null=True)


class WaitingBody(StrictSerializer):
    timeout = SecondsField()


TAG = "Commands"
_ANSWER = enveloped("IntentAnswer", CommandAnswerSerializer)


def intent(summary: str, kind: type[StrictSerializer], answers: Any = _ANSWER) -> Callable[[Method], Method]:
    return described(
        summary, answers, tag=TAG, path=STATION_PATH, body=kind, waits=True, changes=True, also=(400,)
    )


class IntentView(ApiView):
    """A view for one command. `names` maps the body's fields to the arguments of the command function."""

    kind: ClassVar[type[serializers.Serializer[Any]]]
    command: ClassVar[tuple[Intent]]  # in a tuple: a bare function would become a method
    names: ClassVar[dict[str, str]] = {}

    def run(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        asked = body(self.kind, request)
        timeout = asked.pop("timeout", None)
        arguments = {self.names.get(name, name): value for name, value in asked.items()}
        command = send(request, self.command[0], charge_point, timeout=timeout, **arguments)
        return command_answer(command, charge_point, self.answer_data(command, asked, charge_point))

    def answer_data(
        self, command: Command, asked: dict[str, Any], charge_point: ChargePoint
    ) -> dict[str, Any]:
        return {"action": command.action, "response": masked(command.response, command.action)}
