"""The export of transactions as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request

from ocpp_server.api import exports
from ocpp_server.api.documents import described
from ocpp_server.api.fields import amount, rfc3339
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView
from transactions.filters import TransactionFilters
from transactions.models import Transaction

CHUNK = 1000
COLUMNS = (
    "transactionId",
    "ocppTransactionId",
    "clientId",
    "evseId",
    "connectorId",
    "idTag",
    "parentIdTag",
    "status",
    "startTime",
    "stopTime",
    "meterStart",
    "meterStop",
    "energyWh",
    "stopReason",
    "suspect",
    "suspectReasons",
)
_FIELDS = (
    "pk",
    "ocpp_id",
    "charge_point__identity",
    "evse_number",
    "connector_number",
    "id_token",
    "group_id",
    "status",
    "started_at",
    "stopped_at",
    "meter_start_wh",
    "meter_stop_wh",
    "energy_wh",
    "stop_reason",
    "suspect",
    "suspect_reasons",
)


_FILES = {kind.split(";")[0]: OpenApiTypes.BINARY for kind in exports.CONTENT_TYPES.values()}
_FILES[exports.CONTENT_TYPES["json"]] = OpenApiTypes.OBJECT


class ExportQuery(TransactionFilters):
    format = serializers.ChoiceField(choices=list(exports.CONTENT_TYPES), default="csv")


class ExportView(ApiView):
    is_of_sites = True
    audited = ("get",)

    @described(
        "Export transactions as a file, oldest first",
        _FILES,
        tag="Transactions",
        query=ExportQuery,
        also=(400,),
        description="All transactions that pass the filters, as a file of any length. Energy and meters are "
        "in Wh, times in UTC.",
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        asked = query(ExportQuery, request)
        return exports.stream(
            request._request,
            form=asked.validated_data["format"],
            name="transactions",
            columns=COLUMNS,
            chunks=chunks(asked.filtered(Transaction.objects.all())),
        )


def chunks(rows: QuerySet[Transaction]) -> Iterator[list[tuple[Any, ...]]]:
    """All rows in the order of their numbers, one query per 1,000 rows."""
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk").values_list(*_FIELDS)[:CHUNK]):
        yield [_shown(row) for row in found]
        last = found[-1][0]


def _shown(row: tuple[Any, ...]) -> tuple[Any, ...]:
    shown = dict(zip(COLUMNS, row, strict=True))
    for name in ("startTime", "stopTime"):
        shown[name] = rfc3339(shown[name])
    for name in ("meterStart", "meterStop", "energyWh"):
        shown[name] = amount(shown[name])
    if shown["connectorId"] is None:
        shown["connectorId"] = shown["evseId"]
    shown["suspectReasons"] = "; ".join(map(str, shown["suspectReasons"]))
    return tuple(shown.values())
