"""The JSON schemas of OCPP, compiled once and used for every message.

A valid payload costs one call of the compiled validator. The rest of the module is for invalid payloads:
which rule is broken, whether the server tolerates it, and which error the sender gets.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any, NamedTuple

import orjson
from jsonschema_rs import Draft4Validator, ValidationError

from . import aliases, secrets
from .errors import (
    DESCRIPTION_MAX,
    FormatViolation,
    OccurrenceConstraintViolation,
    OcppError,
    PropertyConstraintViolation,
    TypeConstraintViolation,
)
from .repairs import (
    EMPTY_ARRAY,
    FLOAT_FOR_INTEGER,
    NEW_VALUE,
    Alike,
    Kind,
    Schema,
    Where,
    alike,
    repair,
)
from .versions import V16, V21, V201

_FOLDERS: dict[str, str] = {V16: "v16", V201: "v201", V21: "v21"}
_INT64 = 2**63 - 1
_SHOWN = 50  # characters of an offending value that a description repeats
_DEEPEST = 12  # more nested lists than any schema has
_ALL_ERRORS_UP_TO = 32 * 1024  # characters of an outgoing payload; a larger one gets only its first error
_MANY_VALUES = 2000  # values of a station's payload; a larger payload is checked one error at a time
EXTRA_PROPERTY = "extra-property"
# The deviation of a large message, of which only the first broken rules were checked: it may also have fields
# that its schema does not know.
NOT_JUDGED = "not-judged"
_MOST = 20  # deviations reported for one message


class Deviation(NamedTuple):
    """A rule that was broken and tolerated: the kind to count, the field, and a sentence."""

    kind: str
    path: str
    detail: str


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
        stem, _, extension = file.name.rpartition(".")
        if extension == "json":
            kind = "response" if stem.endswith("Response") else "request"
            found[stem.removesuffix("Response").removesuffix("Request"), kind] = file.name
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
    """A schema and its compiled validator."""

    __slots__ = ("is_valid", "schema", "validator")

    def __init__(self, version: str, action: str, kind: Kind) -> None:
        self.schema: Schema = _enforced(message_schema(version, action, kind))
        # Draft 4 for all versions: 1.6 declares it, OCPP uses nothing of the later drafts, and only draft 4
        # rejects 1e22 as an integer.
        self.validator = Draft4Validator(self.schema, validate_formats=True)
        self.is_valid = self.validator.is_valid


@cache
def _message(version: str, action: str, kind: Kind) -> _Message:
    return _Message(version, action, kind)


# --- validating ---------------------------------------------------------------------------------------------


def check(
    version: str, action: str, kind: Kind, payload: dict[str, Any], *, strict: bool
) -> Sequence[Deviation]:
    """Validate a payload of a station. Returns the tolerated deviations, none for a valid payload.

    Raises the OcppError of the first broken rule that is not tolerated: with `strict` any rule, otherwise a
    missing required field, a wrong type, a list of the wrong length, or an integer beyond 64 bits. Repairs
    `payload` in place where a value has only one possible meaning: see `repairs.repair`.
    """
    message = _message(version, action, kind)
    if message.is_valid(payload):
        return ()
    renamed = None if strict else aliases.rename(version, action, kind, payload)
    deviations = {renamed[:2]: Deviation(*renamed)} if renamed else {}
    if _is_large(payload):
        _check_large(message, action, kind, payload, deviations, strict=strict)
        return list(deviations.values())
    # A repaired value may break further rules, so the payload is validated again.
    for _ in range(_DEEPEST):
        if not _check_once(message, action, kind, payload, deviations, strict=strict):
            break
    found = list(deviations.values())
    if len(found) > _MOST:
        # Unknown fields first: a message that has any is masked more strictly when it is stored.
        found.sort(key=lambda deviation: deviation.kind != EXTRA_PROPERTY)
    return found[:_MOST]


def _is_large(payload: dict[str, Any]) -> bool:
    """Whether the payload has many values, each of which may be invalid; one long text is one value."""
    try:
        return orjson.dumps(payload).count(b",") > _MANY_VALUES
    except TypeError:  # an integer beyond 64 bits, which no schema allows
        return False


def _check_large(
    message: _Message,
    action: str,
    kind: Kind,
    payload: dict[str, Any],
    deviations: dict[tuple[str, str], Deviation],
    *,
    strict: bool,
) -> None:
    """Check a large payload, one broken rule at a time.

    `iter_errors` builds all errors before it returns the first one: a MiB of invalid samples would block
    every station for seconds. A repair is applied to the same field of all items of a list. The first
    tolerated rule ends the check, because `validate` would report it again: later rules are not checked.
    """
    for _ in range(_MOST):
        error = _first_broken(message, payload)
        if error is None:
            return
        where = tuple(error.instance_path)
        repair_kind, found = _repair_or_tolerate(message, action, kind, payload, error, strict=strict)
        for deviation in found:
            deviations.setdefault((deviation.kind, deviation.path), deviation)
        if not repair_kind:
            break
        for place, value in alike(payload, where, error.instance):
            repair(message.schema, payload, Alike(value, error.kind), place, strict=strict, kind=kind)
    detail = "the message is large, its other fields were not judged"
    deviations[NOT_JUDGED, ""] = Deviation(NOT_JUDGED, "", detail)


def _repair_or_tolerate(
    message: _Message,
    action: str,
    kind: Kind,
    payload: dict[str, Any],
    error: ValidationError,
    *,
    strict: bool,
) -> tuple[str, list[Deviation]]:
    """Repair or tolerate one broken rule.

    Returns the kind of repair ("" when the rule is only tolerated) and the deviations to count. Raises the
    OcppError of a rule that is neither repaired nor tolerated.
    """
    where = tuple(error.instance_path)
    repair_kind = repair(message.schema, payload, error, where, strict=strict, kind=kind)
    if repair_kind:
        return repair_kind, [Deviation(repair_kind, _path(where), _reason(error, where, action))]
    tolerated = None if strict else _tolerated(error, kind)
    if tolerated is None:
        raise _refusal(error, where, action)
    return "", [Deviation(tolerated, *field) for field in _fields(error, where, action)]


def _first_broken(message: _Message, payload: dict[str, Any]) -> ValidationError | None:
    try:
        message.validator.validate(payload)
    except ValidationError as error:
        return error
    return None


def _check_once(
    message: _Message,
    action: str,
    kind: Kind,
    payload: dict[str, Any],
    deviations: dict[tuple[str, str], Deviation],
    *,
    strict: bool,
) -> bool:
    """Repair or tolerate every broken rule once; True when a repaired value has to be validated again."""
    repaired: set[Where] = set()
    again = False
    for error in message.validator.iter_errors(payload):
        where = tuple(error.instance_path)
        if where in repaired:
            continue
        repair_kind, found = _repair_or_tolerate(message, action, kind, payload, error, strict=strict)
        if repair_kind and repair_kind != FLOAT_FOR_INTEGER:  # 300.0 for a percentage is still too large
            repaired.add(where)
        again = again or repair_kind in NEW_VALUE
        for deviation in found:
            deviations.setdefault((deviation.kind, deviation.path), deviation)
    return again


def outgoing(version: str, action: str, kind: Kind, payload: dict[str, Any]) -> None:
    """Validate an outgoing payload strictly. Raises PayloadInvalid."""
    message = _message(version, action, kind)
    try:
        if not message.is_valid(payload):
            errors = (
                {"field": field, "reason": reason}
                for error in _broken(message, payload)
                for field, reason in _fields(error, tuple(error.instance_path), action)
            )
            raise PayloadInvalid(list(islice(errors, _MOST)))
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
    error = _first_broken(message, payload)
    return [] if error is None else [error]


# --- broken rules -------------------------------------------------------------------------------------------

_CLASS_OF: dict[str, type[OcppError]] = {
    "required": OccurrenceConstraintViolation,
    "minItems": OccurrenceConstraintViolation,
    "maxItems": OccurrenceConstraintViolation,
    "type": TypeConstraintViolation,
    "additionalProperties": FormatViolation,
}

_TOLERATED: dict[str, str] = {
    "maxLength": "too-long",
    "enum": "unknown-value",
    "additionalProperties": EXTRA_PROPERTY,
    "format": "bad-format",
    "minimum": "out-of-range",
    "maximum": "out-of-range",
    "multipleOf": "out-of-range",
}


def _tolerated(error: ValidationError, kind: Kind) -> str | None:
    """The kind of deviation in tolerant mode; None when the structure of the payload is invalid."""
    value = error.instance
    if isinstance(value, int) and abs(value) > _INT64:
        return None
    if value == [] and error.kind.name == "minItems" and kind == "request":
        # An event without readings still ends a transaction. In an answer, the elements are the result.
        return EMPTY_ARRAY
    return _TOLERATED.get(error.kind.name)


def _refusal(error: ValidationError, where: Where, action: str) -> OcppError:
    path, reason = next(_fields(error, where, action))
    cls = _CLASS_OF.get(error.kind.name, PropertyConstraintViolation)
    return cls(f"{path}: {reason}"[:DESCRIPTION_MAX] if path else reason[:DESCRIPTION_MAX])


# --- wording ------------------------------------------------------------------------------------------------

# Names of private values, which a station must not find in an error and log: tokens, account names, and
# addresses, which contain names and passwords.
_PRIVATE = re.compile(r"token|idtag|user|location|ur[il]$", re.IGNORECASE)


def _fields(error: ValidationError, where: Where, action: str) -> Iterator[tuple[str, str]]:
    """The fields of an error, each with its reason; one error may name several extra properties."""
    facts = error.kind.as_dict()
    if error.kind.name == "required":
        yield _path((*where, facts["property"])), "is required but missing"
    elif error.kind.name == "additionalProperties":
        for name in facts["unexpected"][:_MOST]:
            yield _path((*where, name[:_SHOWN])), "is not a known property"
    else:
        yield _path(where), _reason(error, where, action)


def _reason(error: ValidationError, where: Where, action: str) -> str:
    """A sentence about an invalid value, without secrets and with only the start of a long value."""
    facts, shown = error.kind.as_dict(), _shown(error.instance, where, action)
    match error.kind.name:
        case "type":
            return f"{shown} is not of type '{' or '.join(facts['types'])}'"
        case "enum":
            return f"{shown} is not one of the allowed values"
        case "maxLength":
            return f"{shown} is longer than {facts['limit']} characters"
        case "minimum":
            return f"{shown} is less than {facts['limit']}"
        case "maximum":
            return f"{shown} is greater than {facts['limit']}"
        case "multipleOf":
            return f"{shown} is not a multiple of {facts['multiple_of']}"
        case "format":
            return f"{shown} is not a {facts['format']}"
        case "minItems":
            return f"has fewer than {facts['limit']} items"
        case "maxItems":
            return f"has more than {facts['limit']} items"
        case other:
            return f"{shown} breaks the rule '{other}'"


def _shown(value: object, where: Where, action: str) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if _is_hidden(where, action):
        return "the value"
    text = "null" if value is None else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _is_hidden(where: Where, action: str) -> bool:
    """Whether an error must not repeat this value: it is private, or it may be a secret by `secrets`."""
    names = [step for step in where if isinstance(step, str)]
    if secrets.is_secret_path(action, names) or "customData" in names:
        return True
    if any(secrets.is_secret_name(name) or _PRIVATE.search(name) for name in names):
        return True
    return action in secrets.MAY_HOLD_SECRETS and any(secrets.holds_value(name) for name in names)


def _path(where: Sequence[str | int]) -> str:
    """meterValue[0].sampledValue[1].value"""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where).lstrip(".")
