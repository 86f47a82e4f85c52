"""A row of `table.py`: one environment variable. Standard library only, see `env`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Default = str | Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Variable:
    """One row. `default` is a text as an operator would write it, or a function of the parsed rows above."""

    name: str
    default: Default
    parse: Callable[[str], Any]
    sentence: str
    group: str = ""
    shown_default: str = ""  # in the documentation, if the default depends on other settings

    @property
    def documented_default(self) -> str:
        if self.shown_default:
            return self.shown_default
        return self.default if isinstance(self.default, str) else ""
