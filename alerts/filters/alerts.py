"""Filters, search and ordering of the lists of alerts."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from alerts.models import Alert, Severity
from alerts.services.codes import CODES
from ocpp_server.api.fields import FlagField, TextField, WholeField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering, search


class AlertQuery(ChangedQuery):
    orderings = {"id": "pk", "openedAt": "opened_at", "updatedAt": "updated_at"}

    ordering = ordering(orderings)
    search = search("A part of the title.")
    state = serializers.ChoiceField(choices=Alert.State.values, required=False)
    resolved = FlagField(required=False, help_text="false: the open and the acknowledged ones.")
    suppressed = FlagField(required=False, help_text="false: only those about which notices are sent.")
    severity = serializers.ChoiceField(choices=Severity.values, required=False)
    code = serializers.ChoiceField(choices=list(CODES), required=False)
    station = TextField(required=False, max_length=255, help_text="The identity of a station.")
    siteId = WholeField(required=False, min_value=1)
    assignee = TextField(required=False, max_length=150, help_text="The login of an operator.")
    moment = "opened_at"

    exact = {
        "state": "state",
        "severity": "severity",
        "code": "code",
        "station": "station",
        "siteId": "site_id",
        "assignee": "assignee__username",
    }

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        if "resolved" in asked:
            rows = rows.filter(resolved_at__isnull=not asked["resolved"])
        if "suppressed" in asked:
            rows = rows.exclude(suppression="") if asked["suppressed"] else rows.filter(suppression="")
        return rows

    def containing(self, text: str) -> Q:
        return Q(title__icontains=text)


class AlertNoteQuery(ListQuery):
    orderings = {"createdAt": "pk"}

    ordering = ordering(orderings)


class AlertRuleQuery(ChangedQuery):
    orderings = {"code": "code", "updatedAt": "updated_at"}

    ordering = ordering(orderings)
    code = serializers.ChoiceField(choices=list(CODES), required=False)
    siteId = WholeField(required=False, min_value=1)
    isEnabled = FlagField(required=False)

    exact = {"code": "code", "siteId": "site_id", "isEnabled": "is_enabled"}
