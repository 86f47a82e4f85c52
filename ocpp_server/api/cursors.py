"""Cursors of lists. A cursor contains the last row of a page, not the number of rows before the next.

So the millionth page costs as much as the first one, and rows that are added or deleted do not shift the
pages. For a client a cursor is an opaque text. It is signed, and contains the order, the last row and the
total of the first page.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core import signing
from django.db import connections
from django.db.models import Model, Q, QuerySet

SALT = "api.cursor"  # equivalent: any text that no other signature uses


class BadCursor(ValueError):
    """The text is not a cursor of this server, or its list has another order."""


class Cursor(NamedTuple):
    """The place where a page begins. `values`: the columns of `order` in the last row before it."""

    order: list[str]
    values: list[str | None]
    total: int

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """The cursor in a text. Raises BadCursor."""
        try:
            return cls(*signing.loads(text, salt=SALT))
        except (signing.BadSignature, TypeError) as error:
            raise BadCursor from error

    def encode(self) -> str:
        return signing.dumps(tuple(self), salt=SALT, compress=True)

    def rest(self, rows: QuerySet[Any], order: list[str]) -> QuerySet[Any]:
        """The rows after this place, in order. Raises BadCursor for a list in another order."""
        if order != self.order or len(self.values) != len(order):
            raise BadCursor
        names = [name.removeprefix("-") for name in order]
        is_descending = order[0].startswith("-")
        than = "lt" if is_descending else "gt"
        if len(names) == 1:
            return rows.filter(**{f"{names[0]}__{than}": self.values[0]})
        first, key = names
        value, is_later = self.values[0], Q(**{f"{key}__{than}": self.values[1]})
        is_null = Q(**{f"{first}__isnull": True})
        # The databases differ in where they sort NULL.
        nulls_come_first = connections[rows.db].features.order_by_nulls_first is not is_descending
        if value is None:
            return rows.filter((is_null & is_later) | ~is_null if nulls_come_first else is_null & is_later)
        # The first condition is a range, for which the database can use an index and partitions. The second
        # excludes the rows with the same value that are before this place.
        after = Q(**{f"{first}__{than}e": value}) & (Q(**{f"{first}__{than}": value}) | is_later)
        has_nulls = rows.model._meta.get_field(first).null
        return rows.filter(after | is_null if has_nulls and not nulls_come_first else after)


def order_of(rows: QuerySet[Any]) -> list[str]:
    """The order of the rows: a column, then the key in the same direction; or only the key.

    Raises TypeError for another order, in which two rows could have the same place.
    """
    order = [part for part in rows.query.order_by if isinstance(part, str)]
    key = order[-1].removeprefix("-") if order else ""
    is_one_way = len({part.startswith("-") for part in order}) == 1
    if key not in ("pk", "id") or len(order) > 2 or not is_one_way:  # a column and the key
        raise TypeError(f"no cursor can be made in the order {order}")
    return order


def after(row: Model, order: list[str], total: int) -> str:
    """The text of the cursor for the rows after this one."""
    values = [getattr(row, name.removeprefix("-")) for name in order]
    texts = [None if value is None else str(value) for value in values]
    return Cursor(order, texts, total).encode()
