"""How a URL names a row: the parameter of the path, and the functions that find the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from django.db.models import Model, QuerySet

from ocpp_server.api.documents import NUMBER
from ocpp_server.domain import Invalid, Missing
from ocpp_server.storage.row_numbers import row_number

TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True)
class Lookup:
    """A parameter of a path.

    `find(text, lock=...)` returns the row or raises Missing or Invalid. Without it, the row of the resource
    with this number is found. `key` is the attribute of a row that stands in its URL.
    `is_of_sites`: rows of this kind belong to sites, so that `find` finds only those of the caller.
    """

    name: str
    help: str
    schema: Any = field(default_factory=lambda: NUMBER)
    find: Callable[..., Any] | None = None
    key: str = "pk"
    is_of_sites: bool = False

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


def locked_if(rows: QuerySet[_Row], lock: bool) -> QuerySet[_Row]:
    # Lock only the row itself: PostgreSQL refuses FOR UPDATE on the nullable side of an outer join.
    return rows.select_for_update(of=("self",)) if lock else rows


def by_number(rows: QuerySet[_Row], text: str, *, noun: str, field: str = "id", lock: bool = False) -> _Row:
    """The row with this number. Raises Invalid for a text that is no number, Missing."""
    number = row_number(text)
    if number is None:
        raise Invalid(f"{text!r} is not a valid {noun} id.", field=field)
    return required(locked_if(rows, lock).filter(pk=number).first(), text, noun)


def by_number_or(rows: QuerySet[_Row], text: str, *, noun: str, lock: bool = False, **columns: Any) -> _Row:
    """The row with this number, else with these columns. Raises Missing."""
    rows, number = locked_if(rows, lock), row_number(text)
    found = rows.filter(pk=number).first() if number else None
    return required(found or rows.filter(**columns).first(), text, noun)


def required(row: _Row | None, text: str, noun: str) -> _Row:
    """The row. Raises Missing where there is none."""
    if row is None:
        raise Missing(f"{noun.capitalize()} {text} not found.")
    return row
