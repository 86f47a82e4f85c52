"""The JSON schemas of OCPP, compiled once and used for every message.

A valid payload costs one call of the compiled validator. An invalid payload of a station is walked by
`tolerance`; one of the server is refused with all its faults.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import islice
from pathlib import PurePath
from typing import Any

import orjson
from jsonschema_rs import Draft4Validator, ValidationError

from . import aliases, wording
from .errors import PropertyConstraintViolation
from .exact import Kind
from .shapes import Schema, Shape, shape_of
from .tolerance import MOST, Deviation, Walk
from .versions import V16, V21, V201

_FOLDERS: dict[str, str] = {V16: "v16", V201: "v201", V21: "v21"}
_INT64 = 2**63 - 1
_ALL_ERRORS_UP_TO = 32 * 1024  # characters of an outgoing payload; a larger one gets only its first error
# The names of the limit in the facts of an error of the validator.
_LIMITS = ("limit", "multiple_of", "format")


class PayloadInvalid(ValueError):
    """An outgoing payload breaks its schema; `errors` names each field and the reason."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{error['field']}: {error['reason']}" for error in errors))


# --- loading the schemas ------------------------------------------------------------------------------------


@cache
def _files(version: str) -> dict[tuple[str, str], str]:
    """(action, kind) -> file name. File names of 1.6 requests, and of the one SEND of 2.1, lack "Request"."""
    found = {}
    for file in resources.files("ocpp").joinpath(_FOLDERS[version], "schemas").iterdir():
        name = PurePath(file.name)
        if name.suffix == ".json":
            kind = "response" if name.stem.endswith("Response") else "request"
            found[name.stem.removesuffix("Response").removesuffix("Request"), kind] = file.name
    return found


def actions_of(version: str) -> frozenset[str]:
    """The actions for which the version has a schema."""
    return frozenset(action for action, _ in _files(version))


def has(version: str, action: str, kind: Kind) -> bool:
    """Whether the version has a schema of this message; a SEND of 2.1 has no response."""
    return version in _FOLDERS and (action, kind) in _files(version)


def message_schema(version: str, action: str, kind: Kind) -> Schema:
    """The schema as published; raises LookupError when the version has no such message."""
    try:
        name = _files(version)[action, kind]
    except KeyError:
        raise LookupError(f"{version} has no {action} {kind}") from None
    text = resources.files("ocpp").joinpath(_FOLDERS[version], "schemas", name).read_text("utf-8-sig")
    schema: Schema = json.loads(text)
    return schema


def _enforced(node: Any, name: str = "") -> Any:
    """The schema as the server applies it: integers must fit 64 bits, customData may hold anything."""
    if isinstance(node, list):
        return [_enforced(item) for item in node]
    if not isinstance(node, dict):
        return node
    if name == "CustomDataType":
        return {"type": "object"}
    applied = {key: _enforced(value, key) for key, value in node.items()}
    if applied.get("additionalProperties") is False:
        applied.setdefault("properties", {})  # without it the validator does not name the extra property
    if applied.get("type") == "integer":
        applied = {"minimum": -_INT64, "maximum": _INT64, **applied}
    return applied


class _Message:
    """A schema and its compiled validator; the tree of its fields once a payload is invalid."""

    __slots__ = ("_key", "_shape", "is_valid", "schema", "validator")

    def __init__(self, version: str, action: str, kind: Kind) -> None:
        self._key = (action, kind)
        self._shape: Shape | None = None
        self.schema: Schema = _enforced(message_schema(version, action, kind))
        # Draft 4 for all versions: 1.6 declares it, OCPP uses nothing of the later drafts, and only draft 4
        # rejects 1e22 as an integer.
        self.validator = Draft4Validator(self.schema, validate_formats=True)
        self.is_valid = self.validator.is_valid

    @property
    def shape(self) -> Shape:
        if self._shape is None:
            self._shape = shape_of(self.schema, *self._key)
        return self._shape


@cache
def _message(version: str, action: str, kind: Kind) -> _Message:
    return _Message(version, action, kind)


# --- validating ---------------------------------------------------------------------------------------------


def check(
    version: str, action: str, kind: Kind, payload: dict[str, Any], *, strict: bool
) -> Sequence[Deviation]:
    """Validate a payload of a station. Returns the tolerated deviations, none for a valid payload.

    Repairs `payload` in place where a value has only one possible meaning. Raises the OcppError of the first
    rule that is neither repaired nor tolerated, with `strict` of nearly any rule: see `tolerance.Walk`.
    """
    message = _message(version, action, kind)
    if message.is_valid(payload):
        return ()
    renamed = None if strict else aliases.rename(version, action, kind, payload)
    found = [Deviation(*renamed)] if renamed else []
    if renamed and message.is_valid(payload):
        return found
    found += Walk(message.shape, payload, strict=strict).found
    if not found:  # a rule that the walk does not know; a test asserts that there is none
        raise PropertyConstraintViolation
    return found


def outgoing(version: str, action: str, kind: Kind, payload: dict[str, Any]) -> None:
    """Validate an outgoing payload strictly. Raises PayloadInvalid."""
    message = _message(version, action, kind)
    try:
        if not message.is_valid(payload):
            errors = (
                {"field": field, "reason": reason}
                for error in _broken(message, payload)
                for field, reason in _fields(error, action)
            )
            raise PayloadInvalid(list(islice(errors, MOST)))
        if kind == "request":  # users and API clients write requests; the server builds the answers itself
            orjson.dumps(payload)
    except PayloadInvalid:
        raise
    except (ValueError, TypeError) as error:  # lone surrogates, integers beyond 64 bits, no JSON type
        raise PayloadInvalid([{"field": "", "reason": f"cannot be written as JSON: {error}"}]) from None


def _broken(message: _Message, payload: dict[str, Any]) -> list[ValidationError]:
    """The broken rules of a payload; of a large one only the first: all errors of a MiB take seconds."""
    if len(str(payload)) <= _ALL_ERRORS_UP_TO:
        return list(message.validator.iter_errors(payload))
    try:
        message.validator.validate(payload)
    except ValidationError as error:
        return [error]
    return []  # equivalent: the payload is invalid, so one is raised


def _fields(error: ValidationError, action: str) -> Iterator[tuple[str, str]]:
    """The fields of an error, each with its reason; one error may name several extra properties."""
    rule, facts, where = error.kind.name, error.kind.as_dict(), error.instance_path
    if rule == "required":
        yield wording.path([*where, facts["property"]]), wording.sentence(rule)
    elif rule == "additionalProperties":
        for name in facts["unexpected"][:MOST]:
            yield wording.path([*where, name[: wording.SHOWN]]), wording.sentence(rule)
    else:
        limits = (*facts.get("types", ()), *(facts[name] for name in _LIMITS if name in facts), "")
        names = [step for step in where if isinstance(step, str)]
        shown = wording.shown(error.instance, is_hidden=wording.is_hidden(names, action))
        yield wording.path(where), wording.sentence(rule, shown, limits[0])
