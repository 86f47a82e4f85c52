"""Remote start and stop by `clientId` in the body, or by the transaction alone."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.models import ChargePoint
from chargepoints.views.commanding import answers_of, documented, perform
from chargepoints.views.lookups import station
from ocpp_server.api.command_bodies import body_of
from ocpp_server.api.fields import TextField
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.views import body
from ocpp_server.commanding import OperatorCommand
from transactions.commands.remote_control.sessions import REMOTE_START, REMOTE_STOP
from transactions.services.transactions.lookups import to_stop

TAG = "Transactions"
START = body_of(REMOTE_START, "RemoteStartAtBody", clientId=TextField(max_length=255))
STOP = body_of(REMOTE_STOP, "RemoteStopAtBody", clientId=TextField(required=False, max_length=255))
_SENTENCE = serializers.CharField(help_text="The sentence of the answer.")
STARTED = answers_of(
    REMOTE_START,
    "RemoteStartAtAnswer",
    connectorId=serializers.IntegerField(allow_null=True),
    message=_SENTENCE,
)
STOPPED = answers_of(REMOTE_STOP, "RemoteStopAtAnswer", message=_SENTENCE)


class RemoteControlViewSet(ResourceViewSet):
    tag, noun = TAG, "transaction"
    is_of_sites = True

    @documented(REMOTE_START, START, answers=STARTED, tag=TAG)
    @action(detail=False, methods=["post"], url_path="remote-start", write_role=REMOTE_START.role)
    def remote_start(self, request: Request) -> Response:
        asked = body(START, request)
        return _sent(request, REMOTE_START, station(asked.pop("clientId")), asked, connectorId=None)

    @documented(REMOTE_STOP, STOP, answers=STOPPED, tag=TAG)
    @action(detail=False, methods=["post"], url_path="remote-stop", write_role=REMOTE_STOP.role)
    def remote_stop(self, request: Request) -> Response:
        asked = body(STOP, request)
        place = asked.pop("clientId", None)
        asked["transaction"] = to_stop(asked["transaction"], station(place) if place is not None else None)
        return _sent(request, REMOTE_STOP, asked["transaction"].charge_point, asked)


def _sent(
    request: Request,
    command: OperatorCommand,
    charge_point: ChargePoint,
    asked: dict[str, Any],
    **absent: None,
) -> Response:
    """The common answer, with its sentence also in `data`: existing clients read it there."""
    response = perform(request, command, charge_point, asked)
    response.data["data"] = {**absent, **response.data["data"], "message": response.data["message"]}
    return response
