"""Filters and ordering of the lists of refused connections and deviations."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.views.lookups import of_station
from ocpp_server.api.fields import FlagField, TextField
from ocpp_server.api.lists import ListQuery, ordering


class RefusedConnectionQuery(ListQuery):
    """`from` and `to` compare the last attempt."""

    orderings = {"at": "at"}
    exact = {
        "clientId": "identity",
        "remoteAddress": "remote_address",
        "canBeAccepted": "can_be_accepted",
    }
    moment = "at"

    ordering = ordering(orderings)
    clientId = TextField(required=False, max_length=255, help_text="As the station spells it.")
    remoteAddress = TextField(required=False, max_length=64)
    canBeAccepted = FlagField(required=False, help_text="true: the unknown stations that can be accepted.")


class DeviationQuery(ListQuery):
    """`from` and `to` compare the last time that the station deviated."""

    orderings = {"lastAt": "last_at"}
    exact = {"kind": "kind"}
    moment = "last_at"

    ordering = ordering(orderings)
    clientId = TextField(required=False, max_length=255, help_text="The identity of a station.")
    kind = TextField(required=False, max_length=64)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, identity = super().filtered(rows), self.validated_data.get("clientId")
        return rows if identity is None else of_station(rows, identity)
