"""Filters of webhooks and their deliveries."""

from __future__ import annotations

from django.db.models import Q
from rest_framework import serializers

from events.models import WebhookDelivery, WebhookEndpoint
from ocpp_server.api.fields import TextField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering, search


class WebhookQuery(ChangedQuery):
    orderings = {"id": "pk", "name": "name", "createdAt": "created_at"}
    exact = ("state",)

    ordering = ordering(orderings)
    search = search("A part of name or URL.")
    state = serializers.ChoiceField(choices=WebhookEndpoint.State.values, required=False)

    def containing(self, text: str) -> Q:
        return Q(name__icontains=text) | Q(url__icontains=text)


class DeliveryQuery(ListQuery):
    orderings = {"id": "pk"}
    exact = {"state": "state", "type": "type", "station": "station", "eventId": "event_id"}

    ordering = ordering(orderings)
    state = serializers.ChoiceField(choices=WebhookDelivery.State.values, required=False)
    type = TextField(required=False, max_length=48)
    station = TextField(required=False, max_length=255)
    eventId = TextField(required=False, max_length=40)
