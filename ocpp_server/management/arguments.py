"""The command line of declared commands: an argparse argument for each field of the declaration."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from functools import singledispatch
from typing import Any

from ocpp_server import command_fields as fields
from ocpp_server.commanding import OperatorCommand

# Django and the common options have names of their own.
_PREFIX = "field_"


def add_fields(parser: ArgumentParser, command: OperatorCommand) -> None:
    """Add an option for each field."""
    for field in command.fields:
        parser.add_argument(
            f"--{field.option}",
            dest=_PREFIX + field.argument,
            required=field.required,
            help=_help(field).replace("%", "%%"),
            **_options(field),
        )


def given(command: OperatorCommand, options: dict[str, Any]) -> dict[str, Any]:
    """The given arguments by their names."""
    values = {field.argument: options[_PREFIX + field.argument] for field in command.fields}
    return {name: value for name, value in values.items() if value is not None}


def _help(field: fields.Field) -> str:
    limits = field.limits or field.kind
    default = "" if field.default is None else f"; default {field.default}"
    return f"{field.label}. {field.help}".strip() + f" ({limits}{default})"


@singledispatch
def _options(field: fields.Field) -> dict[str, Any]:
    return {"metavar": "TEXT"}


@_options.register
def _whole(field: fields.Whole) -> dict[str, Any]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and field.least <= int(text) <= field.most):
            raise ArgumentTypeError(f"{text!r} must be a whole number: {field.limits}")
        return int(text)

    return {"type": parse, "metavar": "NUMBER"}


@_options.register
def _choice(field: fields.Choice) -> dict[str, Any]:
    # Choices that depend on the station are checked by the server.
    return {"metavar": "NAME"} | ({"choices": field.values} if field.values else {})


@_options.register
def _flag(field: fields.Flag) -> dict[str, Any]:
    return {"action": "store_const", "const": True}


@_options.register
def _texts(field: fields.Texts) -> dict[str, Any]:
    return {"nargs": "+", "metavar": "TEXT"}


@_options.register
def _json(field: fields.Json) -> dict[str, Any]:
    return {"type": json_of(object), "metavar": "JSON"} if field.text_is_json else {"metavar": "TEXT"}


@_options.register
def _object(field: fields.Object) -> dict[str, Any]:
    return {"type": json_of(dict), "metavar": "JSON"}


def json_of(kind: type) -> Callable[[str], Any]:
    """The type of an argparse argument: JSON of this Python type."""

    def parse(text: str) -> Any:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ArgumentTypeError(f"not JSON: {error}") from None
        if not isinstance(value, kind):
            raise ArgumentTypeError('must be a JSON object, such as {"type": "Soft"}')
        return value

    return parse
