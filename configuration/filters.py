"""Filters, search and ordering of this app's lists."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from configuration.models import (
    ConfigurationTemplate,
    DesiredValue,
    LocalList,
    NetworkProfile,
    VariableMonitor,
)
from configuration.services.variables import drift
from ocpp_server.api.fields import FlagField, TextField, WholeField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering, search


class DesiredValueQuery(ChangedQuery):
    orderings = {"id": "pk", "key": "key"}
    exact = {"key": "key__iexact", "state": "state", "templateId": "template_id"}

    ordering = ordering(orderings)
    key = TextField(required=False, max_length=255, help_text="Case makes no difference.")
    state = serializers.ChoiceField(choices=DesiredValue.State.values, required=False)
    templateId = WholeField(required=False, min_value=1)
    differs = FlagField(
        required=False, help_text="true: values that the station does not have, whatever the reason."
    )

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        differs = self.validated_data.get("differs")
        if differs is None:
            return rows
        return rows.exclude(state__in=drift.SETTLED) if differs else rows.filter(state__in=drift.SETTLED)


class ReportedQuery(ListQuery):
    orderings = {"id": "pk", "key": "key"}
    exact = {"key": "key__iexact", "readonly": "readonly"}

    ordering = ordering(orderings)
    search = search("A part of the key or of Component.Variable.")
    key = TextField(required=False, max_length=255, help_text="Case makes no difference.")
    component = TextField(
        required=False, max_length=255, help_text="Of this component, all of its instances and EVSEs."
    )
    readonly = FlagField(required=False)
    gone = FlagField(required=False, help_text="Whether a full report did not have it any more.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows).filter(gone_at__isnull=not self.validated_data.get("gone", False))
        name = self.validated_data.get("component", "")
        if not name:
            return rows
        begins = [Q(key__istartswith=f"{name}{sign}") for sign in (".", "[", "(")]
        return rows.filter(begins[0] | begins[1] | begins[2])

    def containing(self, text: str) -> Q:
        return Q(key__icontains=text)


class DriftQuery(DesiredValueQuery):
    orderings = {"id": "pk"}
    exact = {**DesiredValueQuery.exact, "siteId": "charge_point__site", "model": "charge_point__model"}

    ordering = ordering(orderings)
    siteId = WholeField(required=False, min_value=1)
    model = TextField(required=False, max_length=255)


class TemplateQuery(ChangedQuery):
    orderings = {"id": "pk", "name": "name_key"}
    exact = ("dialect",)

    ordering = ordering(orderings)
    search = search("A part of the name or the description.")
    dialect = serializers.ChoiceField(choices=ConfigurationTemplate.Dialect.values, required=False)

    def containing(self, text: str) -> Q:
        return Q(name_key__contains=text.casefold()) | Q(description__icontains=text)


class AssignmentQuery(ListQuery):
    orderings = {"id": "pk"}

    ordering = ordering(orderings)


class LocalListQuery(ChangedQuery):
    orderings = {"createdAt": "pk", "updatedAt": "updated_at"}
    exact = ("state",)

    ordering = ordering(orderings)
    search = search("A part of the station's identity.")
    state = serializers.ChoiceField(required=False, choices=LocalList.State.values)

    def containing(self, text: str) -> Q:
        return Q(charge_point__identity__icontains=text)


class VariableMonitorQuery(ListQuery):
    orderings = {"monitorId": "monitor_id"}
    exact = {
        "monitorId": "monitor_id",
        "component": "component__iexact",
        "variable": "variable__iexact",
        "evseId": "evse_number",
        "type": "type",
        "severity": "severity",
        "eventNotificationType": "kind",
    }

    ordering = ordering(orderings)
    monitorId = WholeField(required=False)
    component = TextField(required=False, max_length=50, help_text="Case makes no difference.")
    variable = TextField(required=False, max_length=50, help_text="Case makes no difference.")
    evseId = WholeField(required=False, min_value=0)
    type = TextField(required=False, max_length=32)
    severity = WholeField(required=False, min_value=0, max_value=9)
    eventNotificationType = serializers.ChoiceField(choices=VariableMonitor.Kind.values, required=False)


class EventStreamQuery(ListQuery):
    orderings = {"openedAt": "opened_at"}
    exact = {"streamId": "stream_id", "monitorId": "monitor_id"}

    ordering = ordering(orderings)
    streamId = WholeField(required=False)
    monitorId = WholeField(required=False)
    isOpen = FlagField(required=False)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        is_open = self.validated_data.get("isOpen")
        return rows if is_open is None else rows.filter(closed_at__isnull=is_open)


class StreamMessageQuery(ListQuery):
    orderings = {"time": "pk"}
    exact = {
        "streamId": "stream__stream_id",
        "monitorId": "stream__monitor_id",
        "eventStreamId": "stream_id",
    }
    moment = "received_at"

    ordering = ordering(orderings)
    streamId = WholeField(required=False)
    monitorId = WholeField(required=False)
    eventStreamId = TextField(required=False, max_length=36, help_text="The server's id of a stream.")


class NetworkProfileQuery(ChangedQuery):
    orderings = {"sentAt": "pk", "updatedAt": "updated_at"}
    exact = ("state", "slot")

    ordering = ordering(orderings)
    clientId = TextField(required=False, max_length=255)
    state = serializers.ChoiceField(required=False, choices=NetworkProfile.State.values)
    slot = WholeField(required=False, min_value=-(2**63), max_value=2**63 - 1)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        if "clientId" not in self.validated_data:
            return rows
        return rows.filter(charge_point__identity_key=self.validated_data["clientId"].casefold())
