"""How a URL names a row: the parameter of the path, and the function that finds the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ocpp_server.api.documents import NUMBER

TEXT = {"type": "string", "minLength": 1, "maxLength": 255}


@dataclass(frozen=True)
class Lookup:
    """A parameter of a path.

    `find(text, lock=...)` returns the row or raises Missing or Invalid. Without it, the row of the resource
    with this number is found. `key` is the attribute of a row that stands in its URL.
    """

    name: str
    help: str
    schema: Any = field(default_factory=lambda: NUMBER)
    find: Callable[..., Any] | None = None
    key: str = "pk"

    @property
    def path(self) -> dict[str, tuple[Any, str]]:
        """The parameter in the OpenAPI document."""
        return {self.name: (self.schema, self.help)}

    def found(self, text: str, *, lock: bool) -> Any:
        """The row by `find`, which needs no `lock` where nothing is changed."""
        if self.find is None:
            raise TypeError(f"the parameter {self.name} needs a function that finds its row")
        return self.find(text, lock=True) if lock else self.find(text)

    def segment(self, row: Any) -> str:
        """The part of the URL that names this row."""
        return quote(str(getattr(row, self.key)), safe="")
