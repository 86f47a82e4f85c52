"""The query strings of the lists of recipients and notices."""

from __future__ import annotations

from django.db.models import Q
from rest_framework import serializers

from alerts.models import AlertRecipient, Notification
from ocpp_server.api.fields import FlagField, WholeField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering, search


class RecipientQuery(ChangedQuery):
    orderings = {"name": "name_key", "updatedAt": "updated_at"}
    exact = {"channel": "channel", "enabled": "is_enabled"}

    ordering = ordering(orderings)
    search = search("A part of the name or address.")
    channel = serializers.ChoiceField(choices=AlertRecipient.Channel.values, required=False)
    enabled = FlagField(required=False)

    def containing(self, text: str) -> Q:
        return Q(name__icontains=text) | Q(address__icontains=text)


class NoticeQuery(ListQuery):
    orderings = {"createdAt": "pk"}
    exact = {"state": "state", "kind": "kind", "alertId": "alert", "recipientId": "recipient"}
    moment = "created_at"

    ordering = ordering(orderings)
    state = serializers.ChoiceField(choices=Notification.State.values, required=False)
    kind = serializers.ChoiceField(choices=Notification.Kind.values, required=False)
    alertId = WholeField(required=False, min_value=1)
    recipientId = WholeField(required=False, min_value=1)
