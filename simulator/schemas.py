"""The JSON schemas of the `ocpp` package, compiled once per process and message."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema_rs import Draft7Validator

from simulator.versions import V16, V21, V201

_FOLDER = {V16: "v16", V201: "v201", V21: "v21"}


def _file_name(version: str, action: str, kind: str) -> str:
    if kind == "response":
        return f"{action}Response.json"
    # NotifyPeriodicEventStream, the only unanswered message of 2.1 (SEND), has no suffix.
    suffix = "" if version == V16 or action == "NotifyPeriodicEventStream" else "Request"
    return f"{action}{suffix}.json"


@cache
def validator(version: str, action: str, kind: str) -> Draft7Validator | None:
    """Return the compiled schema of a message (kind ``request`` or ``response``); None when the version has
    no such message.
    """
    if not action.isalnum():
        return None
    source = files("ocpp") / _FOLDER[version] / "schemas" / _file_name(version, action, kind)
    if not source.is_file():
        return None
    return Draft7Validator(json.loads(source.read_text(encoding="utf-8-sig")))


@cache
def actions(version: str) -> frozenset[str]:
    """Return every action of a version that has a request and a response."""
    names = {entry.name for entry in (files("ocpp") / _FOLDER[version] / "schemas").iterdir()}
    return frozenset(name.removesuffix("Response.json") for name in names if name.endswith("Response.json"))


def faults(version: str, action: str, kind: str, payload: Any) -> list[tuple[str, str]]:
    """Validate a payload: returns pairs of (schema keyword, message), empty when valid."""
    compiled = validator(version, action, kind)
    if compiled is None:
        return [("action", f"{action} is not a message of OCPP {version}")]
    if compiled.is_valid(payload):
        return []
    return [
        (_keyword(error), f"{list(error.instance_path)}: {error.message}")
        for error in compiled.iter_errors(payload)
    ]


def _keyword(error: Any) -> str:
    path = list(error.schema_path)
    return next((str(part) for part in reversed(path) if isinstance(part, str)), "schema")


def error_code(version: str, keyword: str) -> str:
    """Return the CALLERROR code for a violated schema keyword, in the spelling of the version (the typos of
    1.6 are normative).
    """
    if keyword in ("required", "minItems", "maxItems"):
        return "OccurenceConstraintViolation" if version == V16 else "OccurrenceConstraintViolation"
    if keyword == "type":
        return "TypeConstraintViolation"
    if keyword == "additionalProperties":
        return "FormationViolation" if version == V16 else "FormatViolation"
    return "PropertyConstraintViolation"
