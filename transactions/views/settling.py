"""Ending a session without its station, and settling suspect sessions, over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server.api.authentication import actor
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.views import ApiView, body
from ocpp_server.credentials import Role, role_of
from transactions.models import Settlement
from transactions.serializers import (
    PROPOSED,
    EndBody,
    OutcomeSerializer,
    SettleBody,
    SettleManyBody,
    TransactionDetailSerializer,
)
from transactions.services.transactions import settling
from transactions.views.sessions import PATH, TAG, detail, transaction


class EndView(ApiView):
    @described(
        "End a session without its station",
        enveloped("EndedTransaction", TransactionDetailSerializer),
        tag=TAG,
        path=PATH,
        body=EndBody,
        changes=True,
        also=(400,),
        description="For a station that will never send the stop. The session ends at its last reading and "
        "at its last message (stopTime); later energy is unknown. Its token can charge elsewhere at once. "
        "The reason is recorded. A stop that the station sends later replaces this end. 409 when the session "
        "has ended already, and when the station is connected and sent a message about it within five "
        "minutes: use remote-stop then, or `force`.",
    )
    def post(self, request: Request, transaction_id: str) -> Response:
        row = transaction(transaction_id)
        asked = body(EndBody, request)
        settlement = settling.end_session(
            row.pk, actor=actor(request), reason=asked["reason"], force=asked.get("force", False)
        )
        return answer(settling.summary(settlement), detail(transaction(transaction_id)))


class SettleView(ApiView):
    @described(
        "Settle a suspect session",
        enveloped("SettledTransaction", TransactionDetailSerializer),
        tag=TAG,
        path=PATH,
        body=SettleBody,
        changes=True,
        also=(400,),
        description="proposed: apply the transaction's `proposedFix`. close: end it at its last reading. "
        "correct-energy: replace the billed energy. merge: the earlier of two sessions gets the energy and "
        "the end of the later one. ignore: change nothing, but the session is no longer suspect. An energy "
        "or a session other than the proposed one needs the role administrator, because it does not follow "
        "from the readings.",
    )
    def post(self, request: Request, transaction_id: str) -> Response:
        row = transaction(transaction_id)
        asked = body(SettleBody, request)
        settlement = settling.settle(
            row.pk,
            fix=_fix(asked["fix"]),
            actor=actor(request),
            reason=asked["reason"],
            energy_wh=asked.get("energyWh"),
            other=asked.get("into"),
            by_hand=role_of(request.user) == Role.ADMINISTRATOR,
        )
        return answer(settling.summary(settlement), detail(transaction(transaction_id)))


_MANY = {
    "results": OutcomeSerializer(many=True),
    "settled": serializers.IntegerField(),
    "failed": serializers.IntegerField(),
}


class SettleManyView(ApiView):
    @described(
        "Settle several suspect sessions",
        enveloped("SettledTransactions", _MANY),
        tag=TAG,
        body=SettleManyBody,
        changes=True,
        also=(400,),
        description="Each session is settled separately, in the order of the list. A session that can't be "
        "settled does not prevent the others; its message has the reason. success is true when all of them "
        "were settled.",
    )
    def post(self, request: Request) -> Response:
        asked = body(SettleManyBody, request)
        numbers = list(dict.fromkeys(asked["transactionIds"]))
        outcomes = settling.settle_many(
            numbers, fix=_fix(asked["fix"]), actor=actor(request), reason=asked["reason"]
        )
        settled = sum(outcome.settlement is not None for outcome in outcomes)
        data: dict[str, Any] = {
            "results": OutcomeSerializer(outcomes, many=True).data,
            "settled": settled,
            "failed": len(outcomes) - settled,
        }
        sentence = f"{settled} of {len(outcomes)} sessions settled."
        return answer(sentence, data, success=settled == len(outcomes))


def _fix(name: str) -> Settlement.Fix | None:
    return None if name == PROPOSED else Settlement.Fix(name)
