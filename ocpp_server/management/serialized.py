"""The command line of REST bodies and query strings: an argparse argument for each field of a serializer."""

from __future__ import annotations

import json
import math
import re
from argparse import Action, ArgumentParser, ArgumentTypeError
from collections.abc import Collection
from functools import singledispatch
from typing import Any, Final

from rest_framework import serializers

from ocpp_server.api.fields import StrictSerializer
from ocpp_server.management.arguments import json_of

Field = serializers.Field[Any, Any, Any, Any]

# Django and the commands have names of their own.
_PREFIX: Final = "field_"
# Paging, deletions and related rows are for programs that mirror a list. `q` is another word for `search`.
_OF_PROGRAMS: Final = frozenset({"limit", "offset", "cursor", "fields", "expand", "deleted_from", "q"})
_WORD_END: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
_FLAGS: Final = {"true": True, "false": False}


def add_fields(
    parser: ArgumentParser,
    kind: type[StrictSerializer],
    *,
    positional: str = "",
    without: Collection[str] = (),
) -> None:
    """Add an option for each field that a caller can send. `positional` names one that has no option."""
    for name, field in kind().fields.items():
        if field.read_only or name in without:
            continue
        options = {"help": _help(field).replace("%", "%%"), **_options(field)}
        if name == positional:
            added = parser.add_argument(_PREFIX + name, **{**options, "metavar": _option(name).upper()})
        else:
            added = parser.add_argument(
                f"--{_option(name)}", dest=_PREFIX + name, required=field.required, **options
            )
        _offer(added, field)


def add_filters(parser: ArgumentParser, kind: type[StrictSerializer]) -> None:
    """Add an option for each filter of a list."""
    add_fields(parser, kind, without=_OF_PROGRAMS)


def given(kind: type[StrictSerializer], options: dict[str, Any]) -> dict[str, Any]:
    """The given arguments as a JSON body. An empty text is null where the field may be null but not empty."""
    found = {}
    for name, field in kind().fields.items():
        value = options.get(_PREFIX + name)
        if value is not None:
            found[name] = None if value == "" and _empty_is_null(field) else value
    return found


def filters(kind: type[StrictSerializer], options: dict[str, Any]) -> dict[str, str]:
    """The given arguments as a query string."""
    found = given(kind, options)
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in found.items()
    }


def _option(name: str) -> str:
    """The words of a field's name with hyphens, whether it has them in camelCase or in snake_case."""
    return _WORD_END.sub("-", name).lower()


def _empty_is_null(field: Field) -> bool:
    return bool(field.allow_null) and not getattr(field, "allow_blank", False)


def _help(field: Field) -> str:
    sentence = str(field.help_text or "")
    values = _values(field)
    if values:
        sentence = f"{sentence} One of: {', '.join(values)}.".strip()
    if _empty_is_null(field):
        sentence = f"{sentence} '' for none.".strip()
    return sentence


def _values(field: Field) -> list[str]:
    """The allowed values of a choice."""
    if isinstance(field, serializers.ListField):
        return _values(field.child) if field.child is not None else []
    return [str(value) for value in getattr(field, "choices", {}) if value != ""]


def _offer(added: Action, field: Field) -> None:
    """Offer the values to shell completion. The server checks them, and names the field in its answer."""
    values = list(_FLAGS) if isinstance(field, serializers.BooleanField) else _values(field)
    added.offered = values  # type: ignore[attr-defined]


@singledispatch
def _options(field: Field) -> dict[str, Any]:
    return {"metavar": "TEXT"}


@_options.register
def _choice(field: serializers.ChoiceField) -> dict[str, Any]:
    return {"metavar": "NAME"}


@_options.register
def _whole(field: serializers.IntegerField) -> dict[str, Any]:
    return {"metavar": "NUMBER", "type": _or_empty(field, _number)}


@_options.register
def _float(field: serializers.FloatField) -> dict[str, Any]:
    return {"metavar": "NUMBER", "type": _or_empty(field, _number)}


@_options.register
def _decimal(field: serializers.DecimalField) -> dict[str, Any]:
    return {"metavar": "NUMBER", "type": _or_empty(field, _number)}


@_options.register
def _flag(field: serializers.BooleanField) -> dict[str, Any]:
    return {"metavar": "true|false", "type": _true_or_false}


@_options.register
def _time(field: serializers.DateTimeField) -> dict[str, Any]:
    return {"metavar": "TIME"}


@_options.register
def _list(field: serializers.ListField) -> dict[str, Any]:
    child = {} if field.child is None else _options(field.child)
    return {**child, "nargs": "*"}


@_options.register(serializers.BaseSerializer)
def _object(field: Field) -> dict[str, Any]:
    return {"metavar": "JSON", "type": _or_empty(field, json_of(dict))}


def _or_empty(field: Field, parse: Any) -> Any:
    return (lambda text: text if text == "" else parse(text)) if _empty_is_null(field) else parse


def _number(text: str) -> float | int:
    """A number as JSON spells it. Raises ArgumentTypeError."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ArgumentTypeError(f"{text!r} is not a number")
    return value


def _true_or_false(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ArgumentTypeError(f"{text!r} must be true or false")
    return _FLAGS[text.lower()]
