"""The list of virtual stations."""

from __future__ import annotations

from django.db.models import Q
from rest_framework import serializers

from ocpp_server.api.lists import ListQuery, ordering, search
from sandbox.models import VirtualStation


class VirtualStationQuery(ListQuery):
    orderings = {"createdAt": "pk"}
    exact = {"ocppVersion": "ocpp_version"}

    ordering = ordering(orderings)
    search = search("A part of clientId.")
    ocppVersion = serializers.ChoiceField(choices=VirtualStation.Version.values, required=False)

    def containing(self, text: str) -> Q:
        return Q(charge_point__identity_key__contains=text.casefold())
