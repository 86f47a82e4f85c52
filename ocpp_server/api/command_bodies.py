"""The REST bodies of commands, made from their declarations."""

from __future__ import annotations

from functools import cache, singledispatch
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ocpp_server import command_fields as fields
from ocpp_server.api.fields import FlagField, SecondsField, StrictSerializer, TextField, WholeField
from ocpp_server.commanding import OperatorCommand

AnyField = serializers.Field[Any, Any, Any, Any]


def camel(command: OperatorCommand) -> str:
    """The name of a command in the names of OpenAPI components: remote-start is RemoteStart."""
    return "".join(word.capitalize() for word in command.name.split("-"))


@cache
def body_of(command: OperatorCommand, name: str = "", **more: AnyField) -> type[StrictSerializer]:
    """The serializer of the body: the fields by their API names, and the seconds to wait. Its validated data
    has the names of the arguments. `more` are fields of one endpoint alone; `name` is that of its class.
    """
    declared: dict[str, Any] = {field.name: serializer_field(field) for field in command.fields}
    made = {**more, **declared, "timeout": SecondsField()}
    return type(name or f"{camel(command)}Body", (StrictSerializer,), made)


def serializer_field(field: fields.Field) -> AnyField:
    """The strict serializer field of a declared field."""
    options: dict[str, Any] = {"required": field.required, "help_text": field.help or field.label}
    if field.default is not None:
        options = {"default": field.default, "help_text": options["help_text"]}
    if field.name != field.argument:
        options["source"] = field.argument
    return _made(field, options)


@singledispatch
def _made(field: fields.Field, options: dict[str, Any]) -> AnyField:
    raise TypeError(f"{field.argument}: {type(field).__name__} has no serializer field")


@_made.register
def _text(field: fields.Text, options: dict[str, Any]) -> AnyField:
    return TextField(max_length=field.most, allow_blank=field.blank, **options)


@_made.register
def _whole(field: fields.Whole, options: dict[str, Any]) -> AnyField:
    return WholeField(min_value=field.least, max_value=field.most, **options)


@_made.register
def _choice(field: fields.Choice, options: dict[str, Any]) -> AnyField:
    # Choices that depend on the station are checked by the command.
    if not field.values:
        return TextField(max_length=field.most, **options)
    return serializers.ChoiceField(choices=list(field.values), **options)


@_made.register
def _flag(field: fields.Flag, options: dict[str, Any]) -> AnyField:
    return FlagField(**options)


@_made.register
def _transaction(field: fields.Transaction, options: dict[str, Any]) -> AnyField:
    return TransactionReference(**options)


@_made.register
def _json(field: fields.Json, options: dict[str, Any]) -> AnyField:
    return serializers.JSONField(**options)


@_made.register
def _object(field: fields.Object, options: dict[str, Any]) -> AnyField:
    return serializers.DictField(**options)


@_made.register
def _texts(field: fields.Texts, options: dict[str, Any]) -> AnyField:
    child = TextField(max_length=field.most_characters)
    return serializers.ListField(child=child, max_length=field.most, **options)


def echo_field(field: fields.Field) -> AnyField:
    """The field of an answer that repeats a declared field; a transaction is repeated by its number."""
    kinds = (fields.Whole, fields.Transaction)
    kind = serializers.IntegerField if isinstance(field, kinds) else serializers.CharField
    return kind(required=field.required)


@extend_schema_field(
    {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "minLength": 1, "maxLength": 36}]}
)
class TransactionReference(serializers.Field[Any, Any, Any, Any]):
    """The server's transaction number, or a 2.x station's transactionId."""

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, bool) or not isinstance(data, (int, str)) or data == "":
            raise serializers.ValidationError("Must be a transaction number, or a station's transactionId.")
        if isinstance(data, int) and not 0 < data < 2**63:
            raise serializers.ValidationError("Must be positive.")
        if isinstance(data, str) and ("\0" in data or len(data) > 36):  # 2.x identifierString
            raise serializers.ValidationError("Must have at most 36 characters.")
        return data
