"""Reading a long series page by page: a cursor names the last row that was read, not how many there were.

The millionth page costs what the first did, and rows that arrive meanwhile shift nothing. To a client a
cursor is a word: it is signed, and holds the order, the last row and the total as it was first counted.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core import signing
from django.db.models import Model, Q, QuerySet

SALT = "api.cursor"
MAX_LENGTH = 1000


class BadCursor(ValueError):
    """Not a cursor of ours, or one of a list in another order."""


class Cursor(NamedTuple):
    """Where a page begins. `values`: what the last row before it has in the columns of `order`."""

    order: list[str]
    values: list[str]
    total: int

    @classmethod
    def read(cls, word: str) -> Cursor:
        """Raises BadCursor."""
        try:
            return cls(*signing.loads(word, salt=SALT))
        except (signing.BadSignature, TypeError) as error:
            raise BadCursor from error

    def word(self) -> str:
        return signing.dumps(tuple(self), salt=SALT, compress=True)

    def rest(self, rows: QuerySet[Any], order: list[str]) -> QuerySet[Any]:
        """The rows behind the place, in order. Raises BadCursor when the list is asked for in another one."""
        if order != self.order or len(self.values) != len(order):
            raise BadCursor
        names = [name.removeprefix("-") for name in order]
        than = "lt" if order[0].startswith("-") else "gt"
        if len(names) == 1:
            return rows.filter(**{f"{names[0]}__{than}": self.values[0]})
        first, key = names
        # As a range of the first column, which an index and the partitions understand, less its beginning.
        return rows.filter(
            Q(**{f"{first}__{than}e": self.values[0]}),
            Q(**{f"{first}__{than}": self.values[0]}) | Q(**{f"{key}__{than}": self.values[1]}),
        )


def order_of(rows: QuerySet[Any]) -> list[str]:
    """By what the rows are ordered: a column and the key behind it in the same direction, or the key alone.

    Raises TypeError for another order, in which no row has a place of its own.
    """
    order = [part for part in rows.query.order_by if isinstance(part, str)]
    key = order[-1].removeprefix("-") if order else ""
    is_one_way = len({part.startswith("-") for part in order}) == 1
    if key not in ("pk", "id") or len(order) > 2 or not is_one_way:  # a column and the key
        raise TypeError(f"no cursor can be made in the order {order}")
    return order


def after(row: Model, order: list[str], total: int) -> str:
    """The cursor's word for what comes behind a row."""
    values = [getattr(row, name.removeprefix("-")) for name in order]
    texts = [value.isoformat() if hasattr(value, "isoformat") else str(value) for value in values]
    return Cursor(order, texts, total).word()
