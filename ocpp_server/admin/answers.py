"""The fields of a station's answer for a page: single values by name, and a table for each list of objects.

It knows no action: the keys of a GetConfiguration, the results of a GetVariables and the periods of a
GetCompositeSchedule are all lists of objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MOST_ROWS = 500
MOST_COLUMNS = 12
MOST_VALUES = 200
_LONGEST = 2500  # characters of one value
_DEPTH = 8  # a deeper value is shown as JSON


@dataclass(frozen=True)
class Table:
    """A list of objects. `left` is the number of its rows that are not shown."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 0

    @property
    def cells(self) -> list[list[tuple[str, str]]]:
        """The rows, each value with the head of its column, for screens that show a row as a card."""
        return [list(zip(self.heads, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Fields:
    values: Sequence[tuple[str, str]]
    tables: Sequence[Table]


def fields_of(answer: Any) -> Fields:
    """The fields of an answer. The names of nested objects are joined: `statusInfo.reasonCode`."""
    values: list[tuple[str, str]] = []
    tables: list[Table] = []
    for name, value in _flat(answer if isinstance(answer, dict) else {"": answer}):
        if _is_list_of_objects(value):
            tables.append(_table(name, value))
        elif len(values) < MOST_VALUES:
            values.append((name, _text(value)))
    return Fields(values, tables)


def _flat(value: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, dict) and item and depth < _DEPTH:
            yield from _flat(item, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}", item


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _table(name: str, items: list[dict[str, Any]]) -> Table:
    flat = [dict(_flat(item)) for item in items[:MOST_ROWS]]
    heads = list(dict.fromkeys(head for row in flat for head in row))[:MOST_COLUMNS]
    # A column whose values have tables of their own, such as periods of a schedule, is readable as JSON only.
    rows = [[_text(row[head]) if head in row else "–" for head in heads] for row in flat]
    return Table(name, heads, rows, max(0, len(items) - MOST_ROWS))


def _text(value: Any) -> str:
    match value:
        case None | "" | [] | {}:
            return "–"
        case bool():
            return "true" if value else "false"
        case list() if not any(isinstance(item, dict | list) for item in value):
            text = ", ".join(_text(item) for item in value)
        case dict() | list():
            text = json.dumps(value, ensure_ascii=False)
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
