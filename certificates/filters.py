"""Filters and ordering of the lists of certificates."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from certificates.models import (
    AuthorityRequest,
    InstalledCertificate,
    IssuedCertificate,
    SigningRequest,
    TrustRoot,
)
from certificates.models.revocation import Reason
from certificates.services.certificates import expiry, root_sets
from chargepoints.views.lookups import of_station
from ocpp_server.api.fields import FlagField, StrictSerializer, TextField, TimeField, WholeField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering, search


class TrustRootQuery(ListQuery):
    orderings = {"notAfter": "not_after", "createdAt": "pk"}
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


class _OfStation(ListQuery):
    clientId = TextField(required=False, max_length=255)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        if "clientId" in asked:
            rows = of_station(rows, asked["clientId"])
        return rows


class SigningRequestQuery(ChangedQuery, _OfStation):
    orderings = {"id": "pk"}
    exact = {"state": "state", "certificateType": "type"}

    ordering = ordering(orderings)
    state = serializers.ChoiceField(choices=SigningRequest.State.values, required=False)
    certificateType = serializers.ChoiceField(
        choices=[one for one in IssuedCertificate.Type.values if one != "server"], required=False
    )


class IssuedCertificateQuery(_OfStation):
    orderings = {"id": "pk", "validUntil": "not_after"}
    exact = {"state": "state", "certificateType": "type", "serialNumber": "serial", "sha256": "sha256"}

    ordering = ordering(orderings)
    state = serializers.ChoiceField(choices=IssuedCertificate.State.values, required=False)
    certificateType = serializers.ChoiceField(choices=IssuedCertificate.Type.values, required=False)
    serialNumber = TextField(required=False, max_length=40)
    sha256 = TextField(required=False, max_length=64)
    expiresBefore = TimeField(required=False, help_text="Certificates that end before this time.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        before = self.validated_data.get("expiresBefore")
        return rows if before is None else rows.filter(not_after__lt=before)


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


class AuthorityRequestQuery(ListQuery):
    orderings = {"id": "pk"}
    exact = {"state": "state"}

    ordering = ordering(orderings)
    state = serializers.ChoiceField(choices=AuthorityRequest.State.values, required=False)


class RootSetQuery(ChangedQuery):
    orderings = {"createdAt": "pk"}
    exact = {"isEnabled": "is_enabled", "siteId": "site_id", "model": "model"}

    ordering = ordering(orderings)
    isEnabled = FlagField(required=False)
    siteId = WholeField(required=False, min_value=1)
    model = TextField(required=False, max_length=255)


class LackingQuery(ListQuery):
    orderings = {"clientId": "identity_key"}
    exact = {"isOnline": "is_online"}

    ordering = ordering(orderings)
    isOnline = FlagField(required=False)
    rootId = WholeField(required=False, min_value=1)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        number = self.validated_data.get("rootId")
        if number is None:
            return rows
        root = TrustRoot.objects.filter(pk=number).first()
        return rows.none() if root is None else root_sets.without(rows, root)


class RevokedCertificateQuery(ListQuery):
    orderings = {"createdAt": "pk"}
    exact = {"reason": "reason", "serialNumber": "serial"}

    ordering = ordering(orderings)
    search = search("A part of the issuer or the subject.")
    reason = serializers.ChoiceField(choices=Reason.values, required=False)
    serialNumber = TextField(required=False, max_length=40)

    def containing(self, text: str) -> Q:
        return Q(issuer__icontains=text) | Q(subject__icontains=text)


class RevocationListQuery(ListQuery):
    orderings = {"id": "pk"}

    ordering = ordering(orderings)
    search = search("A part of the name or the issuer.")
    endsBefore = TimeField(required=False, help_text="Lists whose nextUpdate is before this time.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        before = self.validated_data.get("endsBefore")
        return rows if before is None else rows.filter(next_update__lt=before)

    def containing(self, text: str) -> Q:
        return Q(name__icontains=text) | Q(issuer__icontains=text)


class ExpiringQuery(StrictSerializer):
    expiresBefore = TimeField(required=False, help_text="Certificates that end before this time.")
    kind = serializers.ChoiceField(choices=[one.value for one in expiry.Kind], required=False)
