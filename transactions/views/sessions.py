"""Transactions and their meter values over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.views.lookups import number
from ocpp_server.api.documents import NUMBER, described, enveloped, listed
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import amount
from ocpp_server.api.lists import page
from ocpp_server.api.views import ApiView
from ocpp_server.domain import Missing
from transactions.filters import MeterValueQuery, TransactionQuery
from transactions.models import Transaction, TransactionEvent
from transactions.serializers import MeterValueSerializer, TransactionDetailSerializer, TransactionSerializer

TAG = "Transactions"
PATH: dict[str, tuple[Any, str]] = {"transaction_id": (NUMBER, "The number of the transaction.")}
# The latest rows in the detail of a long session; the list of meter values has all of them.
LATEST_VALUES = 100
LATEST_EVENTS = 200


def transaction(text: str) -> Transaction:
    """The transaction of this number. Raises Invalid for a bad number, Missing."""
    wanted = number(text, "transactionId")
    found = Transaction.objects.select_related("charge_point").filter(pk=wanted).first()
    if found is None:
        raise Missing(f"Transaction {wanted} not found.")
    return found


class TransactionsView(ApiView):
    @described(
        "List transactions, newest first",
        listed("Transactions", "transactions", TransactionSerializer, is_series=True),
        tag=TAG,
        query=TransactionQuery,
        also=(400,),
    )
    def get(self, request: Request) -> Response:
        return page(
            request,
            kind=TransactionQuery,
            # Prefetched, not joined: with a join a planner may start at the stations and sort a million rows.
            rows=Transaction.objects.prefetch_related("charge_point").order_by("-pk"),
            name="transactions",
            noun="transactions",
            shape=TransactionSerializer,
        )


class TransactionView(ApiView):
    @described(
        "Get a transaction with its readings, energy, cost and events",
        enveloped("Transaction", TransactionDetailSerializer),
        tag=TAG,
        path=PATH,
        also=(400,),
    )
    def get(self, request: Request, transaction_id: str) -> Response:
        row = transaction(transaction_id)
        sentence = f"Transaction {row.pk} at {row.charge_point} is {row.status}: {amount(row.energy_wh)} Wh."
        return answer(sentence, detail(row))


class MeterValuesView(ApiView):
    @described(
        "List the readings of a transaction, raw and normalised, oldest first",
        listed("MeterValues", "meterValues", MeterValueSerializer, is_series=True),
        tag=TAG,
        path=PATH,
        query=MeterValueQuery,
        also=(400,),
    )
    def get(self, request: Request, transaction_id: str) -> Response:
        values: QuerySet[Any] = transaction(transaction_id).meter_values.order_by("measured_at", "pk")
        return page(
            request,
            kind=MeterValueQuery,
            rows=values,
            name="meterValues",
            noun="readings",
            shape=MeterValueSerializer,
        )


def detail(row: Transaction) -> dict[str, Any]:
    """The detail of one transaction."""
    latest = list(row.meter_values.order_by("-measured_at", "-id")[:LATEST_VALUES])
    context = {
        "events": events(row),
        "meter_values": latest[::-1],
        "meter_values_total": row.meter_values.count(),
    }
    return dict(TransactionDetailSerializer(row, context=context).data)


def events(row: Transaction) -> list[dict[str, Any]]:
    """The messages of a transaction, in order; of a very long one the latest.

    1.6 has no events: the start and the stop are derived from the transaction.
    """
    stored = list(row.events.order_by("-seq_no", "-id")[:LATEST_EVENTS])
    if stored:
        return [_event(event) for event in reversed(stored)]
    derived = [_derived("Started", "", row.started_at, row.start_received_at, row.was_offline)]
    if row.stopped_at is not None:
        derived.append(
            _derived("Ended", row.stop_reason, row.stopped_at, row.stop_received_at, row.was_offline)
        )
    return derived


def _event(event: TransactionEvent) -> dict[str, Any]:
    return {
        "type": event.type,
        "seqNo": event.seq_no,
        "trigger": event.trigger_reason,
        "chargingState": event.charging_state,
        "offline": event.offline,
        "timestamp": event.at,
        "receivedAt": event.received_at,
    }


def _derived(kind: str, trigger: str, at: Any, received_at: Any, offline: bool) -> dict[str, Any]:
    return {
        "type": kind,
        "seqNo": None,
        "trigger": trigger,
        "chargingState": "",
        "offline": offline,
        "timestamp": at,
        "receivedAt": received_at,
    }
