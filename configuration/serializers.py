"""Serializers of configuration: keys and values as in OCPP 1.6, 2.x variables by `Component.Variable`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.models import LocalList
from ocpp_server.api.fields import (
    FlagField,
    ReadSerializer,
    SecondsField,
    StrictSerializer,
    TextField,
    TimeField,
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
    dueAt = TimeField(source="due_at", allow_null=True, help_text="The next update or comparison.")
    checkedAt = TimeField(
        source="checked_at", allow_null=True, help_text="When the station last reported the version."
    )
    syncedAt = TimeField(source="synced_at", allow_null=True)

    def get_isKnown(self, row: LocalList) -> bool:  # noqa: N802 - a field of the API
        return row.entries is not None


class LocalListBody(StrictSerializer):
    automatic = FlagField()


class SyncedListSerializer(ReadSerializer):
    """The answer to an update of a list."""

    requestId = serializers.CharField(help_text="The last command of the update.")
    clientId = serializers.CharField()
    status = serializers.CharField()
    state = serializers.ChoiceField(choices=LocalList.State.values)
    reason = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)
    listed = serializers.IntegerField(allow_null=True)
    eligible = serializers.IntegerField(allow_null=True)
    tooLong = serializers.IntegerField()


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
