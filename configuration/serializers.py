"""Serializers of configuration: keys and values as in OCPP 1.6, 2.x variables by `Component.Variable`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.models import ReportAssembly
from configuration.models import (
    ConfigurationState,
    ConfigurationTemplate,
    DesiredValue,
    LocalList,
    TemplateAssignment,
)
from configuration.services.variables.drift import Seen
from configuration.services.variables.templates import MOST_VALUES
from ocpp_server.api.fields import (
    FlagField,
    ReadSerializer,
    SecondsField,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)
from ocpp_server.domain import Invalid

MOST_KEYS = 100
_ENTRY = {
    "type": "object",
    "required": ["value", "readonly"],
    "properties": {
        "value": {"type": "string", "nullable": True},
        "readonly": {
            "type": "boolean",
            "nullable": True,
            "description": "Null when a 2.x station does not report it.",
        },
        "status": {"type": "string", "description": "A 2.x station's status of this variable."},
    },
}


@extend_schema_field({"type": "object", "additionalProperties": _ENTRY})
class EntriesField(serializers.DictField):
    """{Key: {value, readonly}}."""


class StoredSerializer(ReadSerializer):
    configuration = EntriesField()
    unknownKeys = serializers.ListField(child=serializers.CharField(), required=False)


class LiveSerializer(ReadSerializer):
    requestId = serializers.CharField()
    clientId = serializers.CharField()
    status = serializers.CharField()
    configuration = EntriesField(required=False)
    unknownKeys = serializers.ListField(child=serializers.CharField(), required=False)


class ReportRequestedSerializer(ReadSerializer):
    requestId = serializers.CharField()
    clientId = serializers.CharField()
    status = serializers.CharField()
    reportRequestId = serializers.IntegerField(help_text="The requestId in the parts of the report.")


class CollectedReportSerializer(ReadSerializer):
    requestId = serializers.IntegerField(help_text="The number in the parts.")
    clientId = serializers.CharField()
    reportBase = serializers.CharField(help_text="Of GetBaseReport; else empty.")
    state = serializers.ChoiceField(choices=ReportAssembly.State.values)
    parts = serializers.IntegerField()
    missing = serializers.IntegerField(help_text="Parts missing between those received.")
    truncated = serializers.BooleanField(help_text="Whether parts were left out: the report is too large.")
    configuration = EntriesField(help_text="The variables of the parts that have arrived.")


class CollectedQuery(StrictSerializer):
    requestId = WholeField(min_value=-(2**63), max_value=2**63 - 1)


class AppliedValueSerializer(ReadSerializer):
    key = serializers.CharField()
    state = serializers.ChoiceField(choices=DesiredValue.State.values)
    reason = serializers.CharField(help_text="Why the station refused it.")


class AppliedSerializer(ReadSerializer):
    requestId = serializers.CharField()
    clientId = serializers.CharField()
    status = serializers.CharField()
    desired = AppliedValueSerializer(many=True, help_text="The values that were sent.")
    requestIds = serializers.ListField(child=serializers.CharField(), help_text="The commands of all.")


class NewPasswordSerializer(ReadSerializer):
    requestId = serializers.CharField()
    clientId = serializers.CharField()
    status = serializers.CharField()
    password = serializers.CharField(
        required=False,
        help_text="In this answer only. Missing for random bytes, and if the station refused it.",
    )
    passwordHex = serializers.CharField(
        required=False, help_text="The same as hexadecimal digits, as 1.6 stations get it."
    )


class ChangedSerializer(ReadSerializer):
    status = serializers.ChoiceField(choices=["Accepted", "Rejected", "RebootRequired", "NotSupported"])
    key = serializers.CharField()


class LocalListSerializer(ReadSerializer):
    clientId = serializers.CharField(source="charge_point.identity")
    automatic = serializers.BooleanField(
        source="is_automatic", help_text="Whether a change of a token or a rule updates the list."
    )
    state = serializers.ChoiceField(choices=LocalList.State.values)
    reason = serializers.CharField(help_text="Why the list is not up to date, or why there is none.")
    version = serializers.IntegerField(allow_null=True, help_text="Of the list at the station.")
    isKnown = serializers.SerializerMethodField(
        help_text="Whether the contents of the list at the station are known: the server has sent them."
    )
    wantedVersion = serializers.IntegerField(source="wanted_version", allow_null=True)
    listed = serializers.IntegerField(
        source="listed_count", allow_null=True, help_text="Tokens of the wanted list."
    )
    eligible = serializers.IntegerField(
        source="eligible_count",
        allow_null=True,
        help_text="Tokens for a list without limits: more than `listed` if the station takes fewer.",
    )
    tooLong = serializers.IntegerField(
        source="unfit_count", help_text="Tokens that are too long for the station's OCPP version."
    )
    capacity = serializers.IntegerField(
        allow_null=True, help_text="The most entries, if the station has reported it."
    )
    attempts = serializers.IntegerField(help_text="Failed updates since the last success.")
    lastCommand = serializers.CharField(source="last_command", help_text="The requestId of the last one.")
    dueAt = TimeField(
        source="due_at", allow_null=True, help_text="The next update or comparison without a campaign."
    )
    checkedAt = TimeField(
        source="checked_at", allow_null=True, help_text="When the station last reported the version."
    )
    syncedAt = TimeField(source="synced_at", allow_null=True)

    def get_isKnown(self, row: LocalList) -> bool:  # noqa: N802 - a field of the API
        return row.entries is not None


class LocalListBody(StrictSerializer):
    automatic = FlagField()


class SyncedListSerializer(ReadSerializer):
    """The answer to an update of a list. With wait=false it has the first command alone."""

    requestId = serializers.CharField(help_text="The last command of the update.")
    clientId = serializers.CharField()
    status = serializers.CharField()
    state = serializers.ChoiceField(choices=LocalList.State.values, required=False)
    reason = serializers.CharField(required=False)
    version = serializers.IntegerField(allow_null=True, required=False)
    listed = serializers.IntegerField(allow_null=True, required=False)
    eligible = serializers.IntegerField(allow_null=True, required=False)
    tooLong = serializers.IntegerField(required=False)


class KeysQuery(StrictSerializer):
    keys = TextField(required=False, allow_blank=True, max_length=5000, help_text="Separated by commas.")

    def asked(self) -> list[str] | None:
        """The named keys, None for all. Raises Invalid for too many."""
        text: str = self.validated_data.get("keys", "")
        keys = list(dict.fromkeys(key.strip() for key in text.split(",") if key.strip()))
        if len(keys) > MOST_KEYS:
            raise Invalid(f"Must have at most {MOST_KEYS} keys.", field="keys")
        return keys or None


class LiveKeysQuery(KeysQuery):
    timeout = SecondsField()


class ChangeBody(StrictSerializer):
    key = TextField(max_length=50)
    value = TextField(allow_blank=True, max_length=500)


def entries(found: dict[str, Any], unknown: list[str]) -> dict[str, Any]:
    return {"configuration": found} | ({"unknownKeys": unknown} if unknown else {})


# -- desired values, templates -------------------------------------------------------------------------------


class DesiredValueSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    key = serializers.CharField(help_text="A 1.6 key, or Component.Variable.")
    desired = serializers.CharField(source="value")
    reported = serializers.SerializerMethodField(help_text="As last reported; null when unknown.")
    reportedAt = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=DesiredValue.State.values)
    reason = serializers.CharField(help_text="Why the station refused it.")
    reapplies = serializers.BooleanField(help_text="Whether it is set again after a boot that has lost it.")
    templateId = serializers.IntegerField(
        source="template_id", allow_null=True, help_text="Null for a value of this station alone."
    )
    updatedAt = TimeField(source="updated_at")

    def get_reported(self, row: DesiredValue) -> str | None:
        seen = self._seen(row)
        return seen.value if seen is not None else None

    def get_reportedAt(self, row: DesiredValue) -> str | None:
        seen = self._seen(row)
        return TimeField().to_representation(seen.at) if seen is not None else None

    def _seen(self, row: DesiredValue) -> Seen | None:
        found: dict[tuple[int, str], Seen] = self.context["prepared"]
        return found.get((row.charge_point_id, row.key.lower()))


class DesiredValueChanges(StrictSerializer):
    value = TextField(required=False, allow_blank=True, max_length=2500)
    reapplies = FlagField(required=False)


class DesiredValueBody(StrictSerializer):
    key = TextField(max_length=255)
    value = TextField(allow_blank=True, max_length=2500)
    reapplies = FlagField(required=False)


class ReadingSerializer(ReadSerializer):
    """How the server reads the configuration of a station."""

    manner = serializers.ChoiceField(choices=ConfigurationState.Manner.values)
    firmwareVersion = serializers.CharField(source="firmware_version", help_text="At the last reading.")
    readAt = TimeField(source="read_at", allow_null=True, help_text="Null: not read yet.")
    wholeAt = TimeField(
        source="whole_at", allow_null=True, help_text="When the station named everything that it has."
    )
    dueAt = TimeField(source="due_at", allow_null=True, help_text="The next reading; null: after a boot.")
    problem = serializers.CharField(help_text="Why the last reading was not complete.")


class DriftSerializer(ReadSerializer):
    clientId = serializers.CharField()
    differing = serializers.IntegerField(help_text="The values that the station does not have.")
    desired = DesiredValueSerializer(many=True, help_text="Those that differ first.")
    reading = ReadingSerializer()


class DifferenceSerializer(ReadSerializer):
    key = serializers.CharField()
    here = serializers.CharField(allow_null=True)
    there = serializers.CharField(allow_null=True)
    only = serializers.ChoiceField(
        choices=["here", "there", ""], help_text="Which of both has reported the key; empty: both."
    )


class ComparisonSerializer(ReadSerializer):
    clientId = serializers.CharField(help_text="Here.")
    otherId = serializers.CharField(help_text="There.")
    differences = DifferenceSerializer(many=True)
    count = serializers.IntegerField()
    same = serializers.IntegerField(help_text="The number of keys with the same value.")


class CompareQuery(StrictSerializer):
    def get_fields(self) -> dict[str, Any]:
        # `with` is a keyword of Python.
        return {"with": TextField(max_length=255, help_text="The identity of the other station.")}


class TemplateSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    dialect = serializers.ChoiceField(choices=ConfigurationTemplate.Dialect.values)
    values = serializers.DictField(child=serializers.CharField())
    reapplies = serializers.BooleanField()
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")


class TemplateChanges(StrictSerializer):
    name = TextField(required=False, max_length=100)
    description = TextField(required=False, allow_blank=True, max_length=500)
    values = serializers.DictField(
        child=TextField(allow_blank=True, max_length=2500),
        required=False,
        help_text=f"Keys or variables with their values, {MOST_VALUES} at most; they replace all of before.",
    )
    reapplies = FlagField(required=False, help_text="Whether stations get lost values again after a boot.")


class TemplateBody(TemplateChanges):
    name = TextField(max_length=100)
    dialect = serializers.ChoiceField(
        choices=ConfigurationTemplate.Dialect.values, help_text="1.6 has keys, 2.x Component.Variable."
    )
    values = serializers.DictField(child=TextField(allow_blank=True, max_length=2500))


class AssignmentSerializer(ReadSerializer):
    id = serializers.IntegerField()
    templateId = serializers.IntegerField(source="template_id")
    clientId = serializers.SerializerMethodField()
    siteId = serializers.IntegerField(source="site_id", allow_null=True)
    vendor = serializers.CharField()
    model = serializers.CharField()
    createdAt = TimeField(source="created_at")

    def get_clientId(self, row: TemplateAssignment) -> str | None:
        return row.charge_point.identity if row.charge_point is not None else None


class AssignmentBody(StrictSerializer):
    """One of clientId, siteId and model."""

    clientId = TextField(required=False, max_length=255)
    siteId = WholeField(required=False, min_value=1)
    vendor = TextField(required=False, max_length=255, help_text="With a model: of this vendor alone.")
    model = TextField(required=False, max_length=255)
