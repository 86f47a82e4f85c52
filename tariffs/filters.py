"""Filters and ordering of the lists of tariffs, costs and payments."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from chargepoints.views.lookups import of_station
from ocpp_server.api.fields import FlagField, TextField, WholeField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering
from tariffs.models import Payment, StationTariff, WebPayment


class StationTariffQuery(ListQuery):
    orderings = {"setAt": "set_at"}
    exact = {"tariffId": "tariff_id", "evseId": "evse_number", "state": "state"}
    moment = "set_at"

    ordering = ordering(orderings)
    isCurrent = FlagField(required=False, help_text="Whether it is wanted, or the station has it.")
    state = serializers.ChoiceField(choices=StationTariff.State.values, required=False)
    tariffId = TextField(required=False, max_length=60)
    evseId = WholeField(required=False, min_value=0)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        is_current = self.validated_data.get("isCurrent")
        return rows if is_current is None else rows.filter(ended_at__isnull=is_current)


class _OfStation(ChangedQuery):
    clientId = TextField(required=False, max_length=255)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        if "clientId" in asked:
            rows = of_station(rows, asked["clientId"])
        return rows


class SessionCostQuery(_OfStation):
    orderings = {"transactionId": "pk"}
    exact = {"tariffId": "tariff_id"}

    ordering = ordering(orderings)
    tariffId = TextField(required=False, max_length=60, help_text="The tariff that the station uses.")


class PaymentQuery(_OfStation):
    orderings = {"id": "pk"}
    exact = {"status": "status", "pspRef": "psp_ref", "transactionId": "transaction_id"}

    ordering = ordering(orderings)
    status = serializers.ChoiceField(choices=Payment.Status.values, required=False)
    pspRef = TextField(required=False, max_length=255)
    transactionId = WholeField(required=False, min_value=1, help_text="The server's number of the session.")


class WebPaymentQuery(_OfStation):
    orderings = {"id": "pk"}
    exact = {"state": "state", "pspRef": "psp_ref"}

    ordering = ordering(orderings)
    state = serializers.ChoiceField(choices=WebPayment.State.values, required=False)
    pspRef = TextField(required=False, max_length=255)
