"""Transactions and their meter values over REST; ending and settling a session without its station."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server.api.authentication import actor
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import amount
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.api.views import body
from ocpp_server.rights import Right, allows
from transactions.filters import MeterValueQuery, TransactionQuery
from transactions.models import Settlement, Transaction
from transactions.serializers import (
    EndBody,
    EndManyBody,
    MeterValueSerializer,
    OutcomeSerializer,
    SettleBody,
    SettleManyBody,
    TransactionDetailSerializer,
    TransactionSerializer,
)
from transactions.serializers.limits import LimitBody
from transactions.services.metering.stored import Series
from transactions.services.transactions import asking_limits, settling
from transactions.views.lookups import TRANSACTION

TAG = "Transactions"
_OUTCOMES = enveloped(
    "SettledTransactions",
    {
        "results": OutcomeSerializer(many=True),
        "settled": serializers.IntegerField(),
        "failed": serializers.IntegerField(),
    },
)


def _state(row: Transaction) -> str:
    return f"Transaction {row.pk} at {row.charge_point} is {row.status}: {amount(row.energy_wh)} Wh."


def _answer(outcomes: list[settling.Outcome], done: str) -> Response:
    """The answer to a decision about several sessions."""
    settled = sum(outcome.settlement is not None for outcome in outcomes)
    data: dict[str, Any] = {
        "results": OutcomeSerializer(outcomes, many=True).data,
        "settled": settled,
        "failed": len(outcomes) - settled,
    }
    sentence = f"{settled} of {len(outcomes)} sessions {done}."
    return answer(sentence, data, success=settled == len(outcomes))


class TransactionViewSet(ResourceViewSet):
    """Its station's messages change a transaction, so it has no ETag."""

    tag, noun, has_etag = TAG, "transaction", False
    personal = ("idTag",)
    # Prefetched, not joined: with a join a planner may start at the stations and sort a million rows.
    queryset = Transaction.objects.prefetch_related("charge_point").order_by("-pk")
    serializer_class = TransactionDetailSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "token": Expansion("token", "accounts.views.tokens.TokenViewSet"),
    }
    lookup = TRANSACTION
    operations = (
        List(TransactionQuery, TransactionSerializer, summary="List transactions, newest first"),
        Get(summary="Get a transaction with its readings, energy, cost and events", sentence=_state),
    )

    @described(
        "End a session without its station",
        enveloped("EndedTransaction", TransactionDetailSerializer),
        tag=TAG,
        path=TRANSACTION.path,
        body=EndBody,
        changes=True,
        description="For a station that will never send the stop. The session ends at its last reading and "
        "at its last message (stopTime); later energy is unknown. Its token can charge elsewhere at once. "
        "The reason is recorded. A stop that the station sends later replaces this end. 409 when the session "
        "has ended already, and when the station is connected and sent a message about it within five "
        "minutes: use remote-stop then, or `force`.",
    )
    @action(detail=True, methods=["post"])
    def end(self, request: Request, **path: str) -> Response:
        number = self.find().pk
        return self._settled(settling.end_session(number, actor=actor(request), **body(EndBody, request)))

    @described(
        "Limit a running session",
        enveloped("LimitedTransaction", TransactionDetailSerializer),
        tag=TAG,
        path=TRANSACTION.path,
        body=LimitBody,
        changes=True,
        description="2.1. The answer to the next event of the session sends the limits to the station; they "
        "replace earlier ones, and a very high one removes a limit. `limits` of the transaction has what was "
        "sent, and what the station has set. 409 for a limit that the station has not reported to support "
        "(TxCtrlr.SupportedLimits), and for a session that has ended.",
    )
    @action(detail=True, methods=["post"])
    def limit(self, request: Request, **path: str) -> Response:
        number = self.find().pk
        asked = {name: float(value) for name, value in body(LimitBody, request).items()}
        row = asking_limits.ask(number, limits=asked, actor=actor(request))
        return answer(f"Session {row.pk} is limited with its next event.", self.shown(self.find()))

    @described(
        "Settle a suspect session",
        enveloped("SettledTransaction", TransactionDetailSerializer),
        tag=TAG,
        path=TRANSACTION.path,
        body=SettleBody,
        changes=True,
        description="proposed: apply the transaction's `proposedFix`. close: end it at its last reading. "
        "correct-energy: replace the billed energy. merge: the earlier of two sessions gets the energy and "
        "the end of the later one. ignore: change nothing, but the session is no longer suspect. An energy "
        "or a session other than the proposed one needs the role administrator, because it does not follow "
        "from the readings.",
    )
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, **path: str) -> Response:
        number = self.find().pk
        asked = body(SettleBody, request)
        by_hand = allows(request.user, Right.CORRECTIONS)
        return self._settled(settling.settle(number, actor=actor(request), by_hand=by_hand, **asked))

    @described(
        "Settle several suspect sessions",
        _OUTCOMES,
        tag=TAG,
        body=SettleManyBody,
        changes=True,
        description="Each session is settled separately, in the order of the list. A session that can't be "
        "settled does not prevent the others; its message has the reason. success is true when all of them "
        "were settled.",
    )
    @action(detail=False, methods=["post"], url_path="settle")
    def settle_many(self, request: Request) -> Response:
        return _answer(settling.settle_many(actor=actor(request), **body(SettleManyBody, request)), "settled")

    @described(
        "End several sessions without their stations",
        _OUTCOMES,
        tag=TAG,
        body=EndManyBody,
        changes=True,
        description="Each session is ended separately, as `end` of one does without `force`. A session that "
        "can't be ended, or whose vehicle is probably charging, does not prevent the others; its message has "
        "the reason. success is true when all of them were ended.",
    )
    @action(detail=False, methods=["post"], url_path="end")
    def end_many(self, request: Request) -> Response:
        return _answer(settling.end_many(actor=actor(request), **body(EndManyBody, request)), "ended")

    def _settled(self, settlement: Settlement) -> Response:
        return answer(settling.summary(settlement), self.shown(self.find()))


class MeterValueViewSet(ResourceViewSet):
    tag, noun, nouns, key = TAG, "meter value", "readings", "meterValues"
    serializer_class = MeterValueSerializer
    parent = TRANSACTION
    operations = (
        List(
            MeterValueQuery,
            summary="List the readings of a transaction, raw and normalised, oldest first",
        ),
    )

    def get_queryset(self) -> Any:
        return Series(self.parent_row().pk)
