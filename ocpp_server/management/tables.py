"""Rows on a terminal: a table, or a line for each field. Control characters of stations are escaped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

# The rows that decide how wide the columns are. Later rows are printed as they arrive.
_MEASURED: Final = 200
_WIDEST: Final = 40


class Table:
    """A table of rows that arrive one after the other."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._held: list[list[str]] | None = []
        self._widths = [len(name) for name in columns]

    def add(self, row: Mapping[str, Any]) -> Iterator[str]:
        """The lines that can be printed now."""
        cells = [text_of(row.get(name)) for name in self._columns]
        if self._held is None:
            yield self._line(cells)
            return
        self._held.append(cells)
        if len(self._held) == _MEASURED:
            yield from self.rest()

    def rest(self) -> Iterator[str]:
        """The lines that are not printed yet, below the names of the columns."""
        if not self._held:
            return
        held, self._held = self._held, None
        for cells in held:
            widths = (min(len(cell), _WIDEST) for cell in cells)
            self._widths = [max(pair) for pair in zip(self._widths, widths, strict=True)]
        yield self._line(list(self._columns))
        yield from map(self._line, held)

    def _line(self, cells: Sequence[str]) -> str:
        padded = (f"{cell:<{width}}" for cell, width in zip(cells, self._widths, strict=True))
        return "  ".join(padded).rstrip()


def lines(row: Mapping[str, Any], sentence: str) -> Iterator[str]:
    """A line for each field, below a sentence if there is one."""
    if sentence:
        yield printable(sentence)
    width = max(map(len, row), default=0)
    for name, value in row.items():
        yield f"{name:<{width}}  {text_of(value)}".rstrip()


def line(row: Mapping[str, Any]) -> str:
    """A row as JSON without a line break."""
    return json.dumps(row, ensure_ascii=False)


def text_of(value: Any) -> str:
    """A value for people."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return printable(", ".join(map(str, value))) or "-"
    if isinstance(value, list | dict):
        return printable(json.dumps(value, ensure_ascii=False))
    return printable(str(value))


def printable(text: str) -> str:
    """The text with escapes instead of control characters, which a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
