"""The generic command: any action of the station's version; the command list and the message log."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.filters.commands import AllCommandsQuery, CommandQuery, MessageQuery
from chargepoints.models import Command, Message
from chargepoints.serializers import CommandSerializer, MessageSerializer
from chargepoints.services import commands
from chargepoints.views.commanding import CommandAnswerSerializer, perform
from chargepoints.views.lookups import STATION
from ocpp_server.api import extensions
from ocpp_server.api.authentication import principal
from ocpp_server.api.documents import LiveQuery, described, enveloped
from ocpp_server.api.fields import StrictSerializer, WholeField
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.bounds import long_polls
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


# The requests that wait for the result of a command.
RESULTS: Final = long_polls.Watch(commands.unfinished_of)
LONGEST_WAIT_S: Final = 60


class ResultQuery(StrictSerializer):
    wait = WholeField(
        default=0,
        min_value=0,
        max_value=LONGEST_WAIT_S,
        help_text="Answer when the command has a final state, or after so many seconds with its present one.",
    )


def command_of(rows: QuerySet[Command], request_id: str, where: str = "") -> Command:
    """The command of this id among the rows. Raises Missing."""
    # PostgreSQL refuses a query for text with NUL.
    found = None if "\0" in request_id else rows.filter(pk=request_id).first()
    if found is None:
        raise Missing(f"Command {request_id!r}{where} not found.")
    return found


class AllCommandsViewSet(ResourceViewSet):
    """The commands of all stations. Their state changes without a request, so a command has no ETag."""

    tag, noun, component = TAG, "command", "SentCommand"
    has_etag = False
    serializer_class = CommandSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
    }
    lookup = Lookup("request_id", "The requestId from the answer to sending it.", str)
    lookup_query = ResultQuery
    operations = (
        List(
            AllCommandsQuery,
            summary="List the commands of all stations, newest first",
            description="`campaignId` gives the commands of a batch, `isFinished=false` those without a "
            "result.",
        ),
        Get(
            summary="Get a command by its id alone, or wait for its result",
            sentence="{row.action} to {row.charge_point} is {row.state}.",
            description="With `wait` the answer comes as soon as the command has a final state. If the time "
            "passes before, it has the state `queued` or `sent`: ask again.",
        ),
    )

    def get_queryset(self) -> QuerySet[Command]:
        rows = Command.objects.select_related("charge_point", *extensions.joined("commands"))
        return rows.order_by("-created_at", "-pk")

    def find(self, *, lock: bool = False) -> Command:
        seconds = self.asked()["wait"]
        found = command_of(self.get_queryset(), self.kwargs[self.lookup.name])
        if seconds and not found.is_finished:
            long_polls.wait_for(
                self.request._request, RESULTS, found.pk, seconds=seconds, caller=principal(self.request)
            )
        return found


class CommandViewSet(ResourceViewSet):
    """The commands of a station. Its state changes without a request, so a command has no ETag."""

    tag, noun = TAG, "command"
    has_etag = False
    write_role = SEND.role
    serializer_class = CommandSerializer
    parent = STATION
    lookup = Lookup("request_id", "The requestId from the answer to sending it.", str)
    operations = (
        List(CommandQuery, summary="List the commands of a station with actor and result"),
        Get(summary="Get a command with its state and answer", sentence="{row.action} is {row.state}."),
    )

    def get_queryset(self) -> QuerySet[Command]:
        rows = Command.objects.filter(charge_point=self.parent_row())
        return rows.select_related("charge_point", *extensions.joined("commands")).order_by(
            "-created_at", "-pk"
        )

    def find(self, *, lock: bool = False) -> Command:
        return command_of(self.get_queryset(), self.kwargs[self.lookup.name], f" of {self.parent_row()}")

    @described(
        "Send any command of the station's OCPP version",
        enveloped("CommandAnswer", CommandAnswerSerializer),
        tag=TAG,
        path=STATION.path,
        body=_BODY,
        waits=True,
        changes=True,
        description=SEND.rest.description,
    )
    def create(self, request: Request, **path: str) -> Response:
        charge_point = self.parent_row()
        action, payload, timeout = read_body(request.data)
        asked = {"action": action, "payload": payload, "timeout": timeout}
        return perform(request, SEND, charge_point, asked)


class MessageViewSet(ResourceViewSet):
    tag, noun = TAG, "message"
    personal = ("idTag",)
    serializer_class = MessageSerializer
    parent = STATION
    operations = (
        List(
            MessageQuery,
            summary="List the OCPP messages in both directions, newest first by the end of the exchange",
        ),
    )

    def get_queryset(self) -> QuerySet[Message]:
        return Message.objects.filter(charge_point=self.parent_row()).order_by("-pk")
