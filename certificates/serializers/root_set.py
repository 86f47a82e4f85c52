"""Root sets over REST, and the stations that lack a root."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from certificates.models import RootSet
from certificates.services.certificates import root_sets
from certificates.services.certificates.root_sets import Wanted
from ocpp_server.api.fields import FlagField, ReadSerializer, StrictSerializer, TextField, WholeField
from ocpp_server.api.fields import TimeField as Time


class RootSetSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    isEnabled = serializers.BooleanField(source="is_enabled")
    rootIds = serializers.SerializerMethodField()
    siteId = serializers.IntegerField(source="site_id", allow_null=True)
    vendor = serializers.CharField()
    model = serializers.CharField(help_text="Without a site and a model, the set is for all stations.")
    createdAt = Time(source="created_at")
    updatedAt = Time(source="updated_at")

    def get_rootIds(self, row: RootSet) -> list[int]:
        return sorted(root.pk for root in row.roots.all())


class RootSetChanges(StrictSerializer):
    name = TextField(required=False, max_length=100)
    isEnabled = FlagField(required=False, source="is_enabled")
    rootIds = serializers.ListField(
        child=WholeField(min_value=1), required=False, max_length=root_sets.MOST_ROOTS
    )
    siteId = WholeField(
        required=False, allow_null=True, min_value=1, help_text="Stations of this site alone."
    )
    vendor = TextField(required=False, allow_blank=True, max_length=255, help_text="With a model.")
    model = TextField(required=False, allow_blank=True, max_length=255, help_text="Stations of this model.")


class RootSetBody(RootSetChanges):
    name = TextField(max_length=100)
    rootIds = serializers.ListField(child=WholeField(min_value=1), max_length=root_sets.MOST_ROOTS)


class CoverageSerializer(ReadSerializer):
    rootId = serializers.IntegerField(source="root.pk")
    name = serializers.CharField(source="root.name")
    stations = serializers.IntegerField(help_text="The stations that are to have it.")
    installed = serializers.IntegerField(help_text="Those whose lists have it.")
    missing = serializers.IntegerField(help_text="Those whose lists do not have it.")
    unknown = serializers.IntegerField(help_text="Those that have never listed such roots.")
    sentence = serializers.SerializerMethodField()

    def get_sentence(self, one: root_sets.Coverage) -> str:
        return root_sets.sentence(one)


class RootSetCoverageSerializer(ReadSerializer):
    """Desired against reported, for each root of the set."""

    roots: Any = serializers.SerializerMethodField()

    def get_roots(self, row: RootSet) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = CoverageSerializer(root_sets.coverage(row), many=True).data  # type: ignore[assignment]
        return found


class LackingStationSerializer(ReadSerializer):
    clientId = serializers.CharField(source="identity")
    isOnline = serializers.BooleanField(source="is_online")
    vendor = serializers.CharField()
    model = serializers.CharField()
    siteId = serializers.IntegerField(source="site_id", allow_null=True)


class WantedRootSerializer(ReadSerializer):
    rootId = serializers.IntegerField(source="root.pk")
    name = serializers.CharField(source="root.name")
    certificateType = serializers.CharField(source="certificate_type")
    rootSetId = serializers.IntegerField(source="root_set.pk", help_text="The first set that has it.")
    state = serializers.ChoiceField(
        choices=[one.value for one in Wanted],
        help_text="installed: in the list of the station. accepted: accepted, and not in its list yet. "
        "missing: not in its list. unknown: the station has never listed such roots.",
    )
    notAfter = Time(source="root.not_after")
