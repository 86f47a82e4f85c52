"""The form of an event type: its name, fields and example. The types themselves are in `catalogue`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

# The kinds of values in the data of an event, with their JSON Schema.
TEXT, WHOLE, NUMBER, FLAG, TIME, TEXTS, VALUES = "text", "whole", "number", "flag", "time", "texts", "values"
COUNTS = "counts"
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    TEXT: {"type": "string"},
    WHOLE: {"type": "integer"},
    NUMBER: {"type": "number"},
    FLAG: {"type": "boolean"},
    TIME: {"type": "string", "format": "date-time"},
    TEXTS: {"type": "array", "items": {"type": "string"}},
    VALUES: {"type": "array", "items": {"type": "object"}},
    COUNTS: {"type": "object", "additionalProperties": {"type": "integer"}},
}
# Any event whose data is too long has this field.
TRUNCATED: Final = "truncated"
SINCE: Final = "0.1.0"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event's data. An event may leave out an `optional` one, or send null."""

    name: str
    kind: str
    sentence: str
    optional: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        schema = {**SCHEMAS[self.kind], "description": self.sentence}
        return schema | {"nullable": True} if self.optional else schema


@dataclass(frozen=True, slots=True, eq=False)
class EventType:
    """A type of events. A starred type is stored only when EVENT_TYPES names it.

    `is_personal`: the data says something about a person, so erasing the person rewrites it.
    `version` rises when a change of the data would break a consumer.
    """

    name: str
    sentence: str
    fields: tuple[Field, ...]
    example: dict[str, Any]
    is_starred: bool = False
    is_personal: bool = False
    since: str = SINCE
    version: int = 1
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(each.name for each in self.fields))

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the data."""
        return {
            "title": self.name,
            "description": self.sentence,
            "type": "object",
            "properties": {each.name: each.schema for each in self.fields}
            | {TRUNCATED: {"type": "boolean", "description": "Whether long texts were cut."}},
            "required": [each.name for each in self.fields if not each.optional],
            "additionalProperties": False,
        }

    def faults(self, data: dict[str, Any]) -> list[str]:
        """The reasons why decoded data does not fit the fields; for tests."""
        found = [f"{name} is not a field" for name in data.keys() - self.names - {TRUNCATED}]
        for each in self.fields:
            value = data.get(each.name)
            if value is None:
                if not each.optional:
                    found.append(f"{each.name} is missing")
            elif not _fits(each.kind, value):
                found.append(f"{each.name} is {value!r}, not {each.kind}")
        return [f"{self.name}: {reason}" for reason in sorted(found)]


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "text":
            return isinstance(value, str)
        case "whole":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "flag":
            return isinstance(value, bool)
        case "time":
            return isinstance(value, str) and value.endswith("Z") and _is_time(value)
        case "texts":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "counts":
            return isinstance(value, dict) and all(isinstance(item, int) for item in value.values())
        case _:
            return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
