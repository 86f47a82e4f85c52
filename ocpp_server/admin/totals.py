"""Long lists: a bounded count, the total beside it, and the way to the rows beyond the bound."""

from __future__ import annotations

import json
from typing import Any

from django.core.paginator import Paginator
from django.db import connections, models
from django.utils.functional import cached_property
from django.utils.translation import gettext


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most 10,000 rows exactly, and offers no page beyond them: the database would read all rows
    before a page to skip them. The total of a longer list is the planner's estimate on PostgreSQL, where
    counting a million rows takes a tenth of a second and more, and exact on SQLite.
    """

    limit = 10_000
    template_name = "operator/pagination.html"

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list  # always a QuerySet
        return int(rows.order_by()[: self.limit].count())

    @property
    def is_capped(self) -> bool:
        return self.count >= self.limit

    @cached_property
    def total(self) -> str:
        """The number of all rows in words: 7, 1,234,567 or about 1,230,000."""
        if not self.is_capped:
            return f"{self.count:,}"
        rows: Any = self.object_list
        if connections[rows.db].vendor != "postgresql":
            return f"{rows.order_by().count():,}"
        estimate = max(planned_rows(rows), self.limit)
        return gettext("about %(count)s") % {"count": f"{rounded(estimate):,}"}


def planned_rows(rows: Any) -> int:
    """The planner's estimate of the number of rows; it reads no row."""
    [plan] = json.loads(rows.order_by().explain(format="json"))
    return int(plan["Plan"]["Plan Rows"])


def rounded(number: int) -> int:
    """The number with three digits, because an estimate has no more."""
    step = int(10 ** max(0, len(str(number)) - 3))
    return round(number / step) * step


def beyond(model: type[models.Model], ordering: str, last: models.Model) -> dict[str, str]:
    """The lookup in the URL that goes on after the last row of a list in this order; empty if there is none.

    Rows with the time of the last row are shown again, because none may be left out.
    """
    name = ordering.removeprefix("-")
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    value = getattr(last, field.attname) if isinstance(field, models.Field) else None
    side = "lt" if ordering.startswith("-") else "gt"
    if isinstance(field, models.AutoField | models.BigAutoField | models.IntegerField) and field.primary_key:
        return {f"{field.name}__{side}": str(value)}
    if isinstance(field, models.DateTimeField) and value is not None:
        return {f"{field.name}__{side}e": value.isoformat()}
    return {}
