"""Sentences about broken rules, for the station and for the operator: without secrets, and short."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from . import secrets

SHOWN = 50  # characters of an offending value or name that a sentence repeats

# By the keyword of the schema; `{shown}` is the value, `{limit}` the value of the keyword.
_SENTENCES = {
    "type": "{shown} is not of type '{limit}'",
    "enum": "{shown} is not one of the allowed values",
    "maxLength": "{shown} is longer than {limit} characters",
    "minimum": "{shown} is less than {limit}",
    "maximum": "{shown} is greater than {limit}",
    "multipleOf": "{shown} is not a multiple of {limit}",
    "format": "{shown} is not a {limit}",
    "minItems": "has fewer than {limit} items",
    "maxItems": "has more than {limit} items",
    "required": "is required but missing",
    "additionalProperties": "is not a known property",
}
# Names of private values, which a station must not find in an error and log: tokens, account names, and
# addresses, which contain names and passwords.
_PRIVATE = re.compile(r"token|idtag|user|location|ur[il]$", re.IGNORECASE)


def sentence(rule: str, shown: str = "", limit: object = "") -> str:
    """A sentence about the value that breaks a rule of the schema."""
    text = _SENTENCES.get(rule)
    return f"{shown} breaks the rule '{rule}'" if text is None else text.format(shown=shown, limit=limit)


def shown(value: object, *, is_hidden: bool) -> str:
    """The value in a sentence: only the start of a long one, and nothing of a hidden one."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if is_hidden:
        return "the value"
    if isinstance(value, str):
        # repr() of a MiB takes milliseconds.
        value = value[: SHOWN + 1]  # equivalent: the text is cut again below
    text = "null" if value is None else repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def is_hidden(names: Iterable[str], action: str) -> bool:
    """Whether a sentence must not repeat this value: it is private, or it may be a secret by `secrets`."""
    names = list(names)
    if secrets.is_secret_path(action, names) or "customData" in names:
        return True
    if any(secrets.is_secret_name(name) or _PRIVATE.search(name) for name in names):
        return True
    return action in secrets.MAY_HOLD_SECRETS and any(secrets.holds_value(name) for name in names)


def path(where: Sequence[str | int]) -> str:
    """meterValue[0].sampledValue[1].value"""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where).lstrip(".")
