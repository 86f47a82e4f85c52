"""Filters and ordering of commands and of the message log."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers

from chargepoints.models import Command, Message
from chargepoints.services import commands, message_search
from chargepoints.views.lookups import of_station
from ocpp_server.api.fields import FlagField, TextField, WholeField
from ocpp_server.api.lists import ListQuery, ordering

_INT64 = 2**63 - 1
_DAYS = message_search.LONGEST_PERIOD.days


class CommandQuery(ListQuery):
    orderings = {"createdAt": "created_at"}
    exact = ("action", "state", "actor")
    moment = "created_at"

    ordering = ordering(orderings)
    action = TextField(required=False, max_length=64)
    state = serializers.ChoiceField(choices=Command.State.values, required=False)
    actor = TextField(required=False, max_length=150)


class AllCommandsQuery(CommandQuery):
    clientId = TextField(required=False, max_length=255, help_text="The identity of a station.")
    siteId = WholeField(required=False, min_value=1, max_value=_INT64)
    campaignId = WholeField(
        required=False,
        min_value=1,
        max_value=_INT64,
        help_text="The commands of a batch (a campaign), with those of its earlier attempts.",
    )
    isFinished = FlagField(
        required=False, help_text="false: the commands that are queued or wait for their answer."
    )

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        found, asked = super().filtered(rows), self.validated_data
        if "clientId" in asked:
            found = of_station(found, asked["clientId"])
        if "siteId" in asked:
            found = found.filter(charge_point__site=asked["siteId"])
        if "isFinished" in asked:
            found = found.finished(asked["isFinished"])  # type: ignore[attr-defined]
        return commands.of_campaign(found, asked["campaignId"]) if "campaignId" in asked else found


class MessageQuery(ListQuery):
    orderings = {"time": "pk"}
    exact = ("action", "direction")
    moment = "at"

    ordering = ordering(orderings)
    action = TextField(required=False, max_length=64)
    direction = serializers.ChoiceField(choices=Message.Direction.values, required=False)
    contains = TextField(
        required=False,
        max_length=100,
        help_text="A part of the JSON text of the request or the answer; case makes no difference. Needs "
        f"`from`, {_DAYS} days at most before `to`, or before now.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "contains" in attrs:
            if "from" not in attrs:
                raise serializers.ValidationError({"from": ["Required with `contains`."]})
            if attrs.get("to", timezone.now()) - attrs["from"] > message_search.LONGEST_PERIOD:
                reason = f"With `contains`, {_DAYS} days at most before `to`, or before now."
                raise serializers.ValidationError({"from": [reason]})
        return attrs

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        text = self.validated_data.get("contains")
        return rows if text is None else rows.filter(pk__in=message_search.containing(rows, text))
