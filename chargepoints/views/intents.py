"""Version-neutral commands: each parses its body and calls its intent, which knows the two spellings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.commands.availability import change_availability
from chargepoints.commands.cache import clear_cache
from chargepoints.commands.data_transfer import data_transfer
from chargepoints.commands.reset import reset
from chargepoints.commands.trigger import trigger
from chargepoints.commands.unlock import unlock
from chargepoints.models import ChargePoint, Command
from chargepoints.serializers import (
    AvailabilityBody,
    ClearCacheBody,
    CommandAnswerSerializer,
    DataTransferBody,
    ResetBody,
    TriggerAnswerSerializer,
    TriggerBody,
    UnlockBody,
)
from chargepoints.views.found import STATION_PATH, station
from ocpp_server.api.commanding import Intent, send, told
from ocpp_server.api.documents import Method, described, enveloped
from ocpp_server.api.fields import StrictSerializer
from ocpp_server.api.views import ApiView, body
from ocpp_server.observability.masking import masked

TAG = "Commands"
_ANSWER = enveloped("IntentAnswer", CommandAnswerSerializer)


def intent(summary: str, kind: type[StrictSerializer], answers: Any = _ANSWER) -> Callable[[Method], Method]:
    return described(
        summary, answers, tag=TAG, path=STATION_PATH, body=kind, waits=True, changes=True, also=(400,)
    )


class IntentView(ApiView):
    """One intent. `names` maps the body's fields to the intent's arguments."""

    kind: ClassVar[type[serializers.Serializer[Any]]]
    command: ClassVar[tuple[Intent]]  # in a tuple, or it would become a method
    names: ClassVar[dict[str, str]] = {}

    def run(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        asked = body(self.kind, request)
        timeout = asked.pop("timeout", None)
        arguments = {self.names.get(name, name): value for name, value in asked.items()}
        command = send(request, self.command[0], charge_point, timeout=timeout, **arguments)
        return told(command, charge_point, self.shown(command, asked, charge_point))

    def shown(self, command: Command, asked: dict[str, Any], charge_point: ChargePoint) -> dict[str, Any]:
        return {"action": command.action, "response": masked(command.response, command.action)}


class TriggerView(IntentView):
    kind, command = TriggerBody, (trigger,)
    names = {"requestedMessage": "message", "connectorId": "evse_number"}

    @intent("Ask for a message now", TriggerBody, enveloped("TriggerAnswer", TriggerAnswerSerializer))
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)

    def shown(self, command: Command, asked: dict[str, Any], charge_point: ChargePoint) -> dict[str, Any]:
        return asked


class ResetView(IntentView):
    kind, command, names = ResetBody, (reset,), {"evseId": "evse_number"}

    @intent("Restart the station", ResetBody)
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)


class UnlockView(IntentView):
    kind, command, names = UnlockBody, (unlock,), {"connectorId": "evse_number"}

    @intent("Release a plug", UnlockBody)
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)


async def _availability(charge_point: ChargePoint, *, type: str, evse_number: int = 0, **how: Any) -> Command:
    return await change_availability(
        charge_point, operative=type == "Operative", evse_number=evse_number or None, **how
    )


class AvailabilityView(IntentView):
    kind, command, names = AvailabilityBody, (_availability,), {"connectorId": "evse_number"}

    @intent("Put the station or a connector in or out of service", AvailabilityBody)
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)


class ClearCacheView(IntentView):
    kind, command = ClearCacheBody, (clear_cache,)

    @intent("Empty the station's authorization cache", ClearCacheBody)
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)


class DataTransferView(IntentView):
    kind, command = DataTransferBody, (data_transfer,)
    names = {"vendorId": "vendor_id", "messageId": "message_id"}

    @intent("Send a vendor's own message", DataTransferBody)
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)
