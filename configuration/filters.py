"""Query parameters of the lists of configuration."""

from __future__ import annotations

from django.db.models import Q
from rest_framework import serializers

from configuration.models import LocalList
from ocpp_server.api.lists import ChangedQuery, ordering, search


class LocalListQuery(ChangedQuery):
    orderings = {"createdAt": "pk", "updatedAt": "updated_at"}
    exact = ("state",)

    ordering = ordering(orderings)
    search = search("A part of the station's identity.")
    state = serializers.ChoiceField(required=False, choices=LocalList.State.values)

    def containing(self, text: str) -> Q:
        return Q(charge_point__identity__icontains=text)
