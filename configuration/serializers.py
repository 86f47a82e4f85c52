"""Serializers of configuration: keys and values as in OCPP 1.6, 2.x variables by `Component.Variable`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ocpp_server.api.fields import ReadSerializer, SecondsField, StrictSerializer, TextField
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
