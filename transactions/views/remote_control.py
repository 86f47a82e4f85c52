"""Remote start, remote stop, trigger and unlock over REST."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.models import ChargePoint, Command
from chargepoints.views.commanding import IntentView, command_answer, intent, send
from chargepoints.views.lookups import station
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.views import ApiView, body
from ocpp_server.domain import Conflict, Missing
from ocpp_server.storage.row_numbers import row_number
from transactions.commands.remote_control.sessions import remote_start, remote_stop
from transactions.commands.remote_control.trigger import trigger
from transactions.commands.remote_control.unlock import unlock
from transactions.models import Transaction
from transactions.serializers import (
    RemoteStartAnswerSerializer,
    RemoteStartBody,
    RemoteStopAnswerSerializer,
    RemoteStopBody,
    TriggerAnswerSerializer,
    TriggerBody,
    UnlockBody,
)

TAG = "Transactions"


class RemoteStartView(ApiView):
    @described(
        "Start a session remotely",
        enveloped("RemoteStart", RemoteStartAnswerSerializer),
        tag=TAG,
        body=RemoteStartBody,
        waits=True,
        changes=True,
        also=(400, 404),
        description="Accepted: the station will try. GET .../commands/{requestId} has the outcome. "
        "A known token that may not charge there gets 409 with the reason, unless `force`.",
    )
    def post(self, request: Request) -> Response:
        asked = body(RemoteStartBody, request)
        charge_point = station(asked["clientId"])
        kind = {"id_token_type": asked["idTagType"]} if "idTagType" in asked else {}
        command = send(
            request,
            remote_start,
            charge_point,
            id_token=asked["idTag"],
            evse_number=asked.get("connectorId"),
            force=asked.get("force", False),
            timeout=asked.get("timeout"),
            **kind,
        )
        return _answer(command, charge_point, {"connectorId": asked.get("connectorId")}, "the remote start")


class RemoteStopView(ApiView):
    @described(
        "Stop a session remotely",
        enveloped("RemoteStop", RemoteStopAnswerSerializer),
        tag=TAG,
        body=RemoteStopBody,
        waits=True,
        changes=True,
        also=(400, 404),
    )
    def post(self, request: Request) -> Response:
        asked = body(RemoteStopBody, request)
        transaction = wanted(asked["transactionId"], asked.get("clientId"))
        charge_point = transaction.charge_point
        command = send(
            request, remote_stop, charge_point, transaction=transaction, timeout=asked.get("timeout")
        )
        return _answer(command, charge_point, {"transactionId": transaction.pk}, "the remote stop")


def wanted(reference: int | str, client_id: str | None) -> Transaction:
    """The transaction to stop, by the server's number or the station's id for it.

    Raises Missing, and Conflict when the station has ended it, or when several stations use the id.
    """
    rows = Transaction.objects.select_related("charge_point")
    if client_id is not None:
        rows = rows.filter(charge_point=station(client_id))
    number = reference if isinstance(reference, int) else row_number(reference)
    found = [] if number is None else list(rows.filter(pk=number))
    if not found:
        if client_id is None:
            # Without a station only running transactions are searched: the index keeps them few.
            rows = rows.active()
        found = list(rows.filter(ocpp_id=str(reference)).order_by("-pk")[:2])
    if not found:
        raise Missing(f"Transaction {reference} not found" + (f" at {client_id}." if client_id else "."))
    if len({row.charge_point_id for row in found}) > 1:
        raise Conflict(f"Several stations have a transaction {reference}. clientId is required.")
    transaction = found[0]
    if transaction.ended_by == Transaction.EndedBy.STATION:
        raise Conflict(f"Transaction {transaction.pk} has ended.")
    return transaction


def _answer(command: Command, charge_point: ChargePoint, data: dict[str, Any], noun: str) -> Response:
    """The common answer, with its sentence also in `data`: existing clients read it there."""
    response = command_answer(command, charge_point, data, noun=noun)
    response.data["data"] = {**response.data["data"], "message": response.data["message"]}
    return response


class TriggerView(IntentView):
    kind, command = TriggerBody, (trigger,)
    names = {"requestedMessage": "message", "connectorId": "evse_number"}

    @intent("Trigger a message", TriggerBody, enveloped("TriggerAnswer", TriggerAnswerSerializer))
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)

    def answer_data(
        self, command: Command, asked: dict[str, Any], charge_point: ChargePoint
    ) -> dict[str, Any]:
        return asked


class UnlockView(IntentView):
    kind, command, names = UnlockBody, (unlock,), {"connectorId": "evse_number"}

    @intent("Unlock a connector", UnlockBody)
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)
