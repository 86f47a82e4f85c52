"""The generic command: any action of the station's version; the command list and the message log."""

from __future__ import annotations

from functools import partial
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.filters import CommandQuery, MessageQuery
from chargepoints.models import Command
from chargepoints.serializers import CommandSerializer, MessageSerializer
from chargepoints.views.commanding import CommandAnswerSerializer, operations, perform
from chargepoints.views.lookups import STATION_PATH, station
from ocpp_server.api import extensions
from ocpp_server.api.documents import LiveQuery, described, enveloped, listed
from ocpp_server.api.envelope import answer
from ocpp_server.api.lists import page
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.views import ApiView
from ocpp_server.commanding import SEND
from ocpp_server.domain import Missing

TAG = "Commands"
_NAMED = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "description": "An action of the station's OCPP version.",
}
_PAYLOAD = {"type": "object", "additionalProperties": True, "description": "By the action's OCPP schema."}
_TIMEOUT = {"type": "number", "minimum": 1, "maximum": 120, "description": "Seconds to wait for the station."}
_BODY = {
    "application/json": {
        "oneOf": [
            {
                "type": "object",
                "required": ["action"],
                "additionalProperties": False,
                "properties": {"action": _NAMED, "payload": _PAYLOAD, "timeout": _TIMEOUT},
            },
            {
                "type": "object",
                "required": ["command"],
                "additionalProperties": True,
                "description": "Flat: every other field is part of the payload, unless there is a `payload`.",
                "properties": {"command": _NAMED, "payload": _PAYLOAD, "timeout": _TIMEOUT},
            },
        ],
        "example": {"action": "Reset", "payload": {"type": "Soft"}, "timeout": 10},
    }
}


def read_body(data: Any) -> tuple[str, dict[str, Any], float | None]:
    """Action, payload and seconds of a body in any of its three spellings. Raises ValidationError."""
    if not isinstance(data, dict):
        raise ValidationError({"body": ["Must be an object."]})
    rest = dict(data)
    names = [rest.pop(word) for word in ("action", "command") if word in rest]
    if not names:
        raise ValidationError({"action": ["Required. An OCPP action, such as Reset."]})
    action = names[0]
    if not isinstance(action, str) or not action or any(name != action for name in names):
        raise ValidationError({"action": ["Must be the name of one OCPP action."]})
    waiting = LiveQuery(data={"timeout": rest.pop("timeout")} if "timeout" in rest else {})
    waiting.is_valid(raise_exception=True)
    timeout = waiting.validated_data.get("timeout")
    if "payload" in rest or "action" in data:
        payload = rest.pop("payload", {})
        # {"action": ..., "connectorId": 1}: a field beside the payload would be dropped silently.
        if rest:
            unknown = {
                name: ["Unknown field. Only action, payload and timeout are allowed; move it into payload."]
                for name in rest
            }
            raise ValidationError(unknown)
    else:
        payload = rest
    if not isinstance(payload, dict):
        raise ValidationError({"payload": ["Must be an object."]})
    return action, payload, timeout


class CommandsView(ApiView):
    write_role = SEND.role

    @described(
        "Send any command of the station's OCPP version",
        enveloped("CommandAnswer", CommandAnswerSerializer),
        tag=TAG,
        path=STATION_PATH,
        body=_BODY,
        waits=True,
        changes=True,
        also=(400,),
    )
    def post(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        action, payload, timeout = read_body(request.data)
        asked = {"action": action, "payload": payload, "timeout": timeout}
        return perform(request, SEND, charge_point, asked)

    @described(
        "List the commands of a station with actor and result",
        listed("Commands", "commands", CommandSerializer),
        tag=TAG,
        path=STATION_PATH,
        query=CommandQuery,
        also=(400,),
    )
    def get(self, request: Request, client_id: str) -> Response:
        rows = Command.objects.filter(charge_point=station(client_id))
        return page(
            request,
            kind=CommandQuery,
            rows=rows.select_related("charge_point", *extensions.joined("commands")).order_by(
                "-created_at", "-pk"
            ),
            name="commands",
            noun="commands",
            shape=CommandSerializer,
            prepare=partial(extensions.attach, "commands"),
        )


class OperatorCommandViewSet(ResourceViewSet):
    """The endpoints of declared commands, until the charge points' resource has them."""

    tag, noun = TAG, "station"
    lookup = Lookup("client_id", "The station's identity.", str, station, "identity")
    operations = operations()


class CommandView(ApiView):
    @described(
        "Get a command with its state and answer",
        enveloped("Command", CommandSerializer),
        tag=TAG,
        path=STATION_PATH | {"request_id": (str, "The requestId from the answer to sending it.")},
    )
    def get(self, request: Request, client_id: str, request_id: str) -> Response:
        charge_point = station(client_id)
        rows = charge_point.commands.select_related("charge_point", *extensions.joined("commands"))
        command = None if "\0" in request_id else rows.filter(pk=request_id).first()
        if command is None:
            raise Missing(f"Command {request_id!r} of {charge_point.identity} not found.")
        extensions.attach("commands", [command])
        return answer(f"{command.action} is {command.state}.", CommandSerializer(command).data)


class MessagesView(ApiView):
    @described(
        "List the OCPP messages in both directions, newest first by the end of the exchange",
        listed("Messages", "messages", MessageSerializer, is_series=True),
        tag=TAG,
        path=STATION_PATH,
        query=MessageQuery,
        also=(400,),
    )
    def get(self, request: Request, client_id: str) -> Response:
        return page(
            request,
            kind=MessageQuery,
            rows=station(client_id).messages.order_by("-pk"),
            name="messages",
            noun="messages",
            shape=MessageSerializer,
        )
