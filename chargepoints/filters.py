"""Filters, search and ordering of this app's lists."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from chargepoints.models import ChargePoint, Command, Message, ReportAssembly
from ocpp_server.api.fields import FlagField, TextField, WholeField
from ocpp_server.api.lists import ListQuery, SeriesQuery, ordering, period, search, within
from ocpp_server.protocol.versions import VERSIONS, label

_INT64 = 2**63 - 1
_BY_LABEL = {label(version): version for version in VERSIONS}


class ChargePointQuery(ListQuery):
    orderings = {
        "clientId": "identity_key",
        "isOnline": "is_online",
        "lastSeen": "last_seen_at",
        "createdAt": "created_at",
        "vendor": "vendor",
        "model": "model",
    }

    ordering = ordering(orderings)
    search = search("A part of clientId, name, vendor, model or serial number.")
    isOnline = FlagField(required=False)
    registrationStatus = serializers.ChoiceField(choices=ChargePoint.Registration.values, required=False)
    ocppVersion = serializers.ChoiceField(choices=list(_BY_LABEL), required=False)
    vendor = TextField(required=False, max_length=255)
    model = TextField(required=False, max_length=255)
    siteId = WholeField(required=False, min_value=1)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.validated_data
        exact = {
            "isOnline": "is_online",
            "registrationStatus": "registration_status",
            "vendor": "vendor",
            "model": "model",
            "siteId": "site_id",
        }
        rows = rows.filter(**{field: asked[name] for name, field in exact.items() if name in asked})
        if "ocppVersion" in asked:
            rows = rows.filter(ocpp_version=_BY_LABEL[asked["ocppVersion"]])
        if "search" in asked:
            text = asked["search"]
            rows = rows.filter(
                Q(identity_key__contains=text.casefold())
                | Q(name__icontains=text)
                | Q(vendor__icontains=text)
                | Q(model__icontains=text)
                | Q(serial_number__icontains=text)
            )
        return rows


class SiteQuery(ListQuery):
    orderings = {"id": "pk", "name": "name_key", "createdAt": "created_at", "updatedAt": "updated_at"}

    ordering = ordering(orderings)
    search = search("A part of name, address or city.")
    country = TextField(required=False, max_length=3)
    city = TextField(required=False, max_length=45, help_text="Case makes no difference.")
    exact = {"country": "country", "city": "city__iexact"}

    def containing(self, text: str) -> Q:
        return Q(name_key__contains=text.casefold()) | Q(address__icontains=text) | Q(city__icontains=text)


class CommandQuery(ListQuery):
    orderings = {"createdAt": "created_at"}

    ordering = ordering(orderings)
    action = TextField(required=False, max_length=64)
    state = serializers.ChoiceField(choices=Command.State.values, required=False)
    actor = TextField(required=False, max_length=150)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | period()

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.validated_data
        rows = rows.filter(**{name: asked[name] for name in ("action", "state", "actor") if name in asked})
        return within(rows, "created_at", asked)


class MessageQuery(SeriesQuery):
    orderings = {"time": "pk"}

    ordering = ordering(orderings)
    action = TextField(required=False, max_length=64)
    direction = serializers.ChoiceField(choices=Message.Direction.values, required=False)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | period()

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.validated_data
        rows = rows.filter(**{name: asked[name] for name in ("action", "direction") if name in asked})
        return within(rows, "at", asked)


class FollowUpQuery(SeriesQuery):
    orderings = {"time": "pk"}

    ordering = ordering(orderings)
    action = TextField(required=False, max_length=64)
    requestId = WholeField(required=False, min_value=-_INT64, max_value=_INT64)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | period()

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return within(_of_request(rows, self.validated_data), "received_at", self.validated_data)


class ReportQuery(SeriesQuery):
    orderings = {"startedAt": "started_at"}

    ordering = ordering(orderings)
    action = TextField(required=False, max_length=64)
    requestId = WholeField(required=False, min_value=-_INT64, max_value=_INT64)
    state = serializers.ChoiceField(choices=ReportAssembly.State.values, required=False)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.validated_data
        rows = _of_request(rows, asked)
        return rows.filter(state=asked["state"]) if "state" in asked else rows


def _of_request(rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
    exact = {"action": "action", "requestId": "request_id"}
    return rows.filter(**{field: asked[name] for name, field in exact.items() if name in asked})
