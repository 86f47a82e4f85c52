"""Filters and ordering of the lists of certificates."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from certificates.models import InstalledCertificate, TrustRoot
from ocpp_server.api.fields import FlagField, TimeField, WholeField
from ocpp_server.api.lists import ListQuery, ordering, search


class TrustRootQuery(ListQuery):
    orderings = {"notAfter": "not_after", "createdAt": "created_at"}
    exact = {"kind": "kind", "isEnabled": "is_enabled"}

    ordering = ordering(orderings)
    search = search("A part of the name or the subject.")
    kind = serializers.ChoiceField(choices=TrustRoot.Kind.values, required=False)
    isEnabled = FlagField(required=False)
    expiresBefore = TimeField(required=False, help_text="Roots that end before this time.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        before = self.validated_data.get("expiresBefore")
        return rows if before is None else rows.filter(not_after__lt=before)

    def containing(self, text: str) -> Q:
        return Q(name__icontains=text) | Q(subject__icontains=text)


class InstalledCertificateQuery(ListQuery):
    orderings = {"id": "pk"}
    exact = {"certificateType": "type", "state": "state", "rootId": "root_id"}

    ordering = ordering(orderings)
    isCurrent = FlagField(required=False, help_text="Whether the station has it, as far as is known.")
    certificateType = serializers.ChoiceField(choices=InstalledCertificate.Type.values, required=False)
    state = serializers.ChoiceField(choices=InstalledCertificate.State.values, required=False)
    rootId = WholeField(required=False, min_value=1)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        is_current = self.validated_data.get("isCurrent")
        return rows if is_current is None else rows.filter(ended_at__isnull=is_current)
