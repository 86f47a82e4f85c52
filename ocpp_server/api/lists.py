"""Lists: `limit` and `offset`, filters, `ordering` and `search` from allow-lists, `count` and `total`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server.api import cursors, deletions, links
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import StrictSerializer, TextField, TimeField, WholeField
from ocpp_server.api.rows import Expansion, RowQuery, arranged

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@extend_schema_field(
    {
        "type": "string",
        "anyOf": [{"format": "date-time"}, {"format": "date"}],
    }
)
class MomentField(TimeField):
    """The limit of a period: a time, or a date, which is a whole day in the server's TIME_ZONE.

    The limit that `ends` the period excludes its time, and includes its day. A day has 23 or 25 hours when
    the clocks change.
    """

    default_error_messages = {
        "invalid": "Must be a date such as 2026-11-28, or a time such as 2026-11-28T10:00:00Z."
    }

    def __init__(self, *, ends: bool = False, **kwargs: Any) -> None:
        self._ends = ends
        super().__init__(required=False, **kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        if not (isinstance(data, str) and _DAY.fullmatch(data)):
            return super().to_internal_value(data)
        try:
            return midnight(date.fromisoformat(data) + timedelta(days=int(self._ends)))
        except (ValueError, OverflowError):
            self.fail("invalid")


def midnight(day: date) -> datetime:
    """The beginning of a day in the server's time zone."""
    return datetime.combine(day, time(), timezone.get_default_timezone()).astimezone(UTC)


class Page(NamedTuple):
    """The items of a page, the total of its list, and the cursor of the next page."""

    items: list[Any]
    total: int
    following: str | None


class ListQuery(RowQuery):
    """The query string of a list: `next` of a page is the `cursor` of the next one, so that rows which are
    added or deleted meanwhile shift no page. Subclasses add filters, `ordering` and `search`.
    """

    limit = WholeField(default=50, min_value=1, max_value=200)
    offset = WholeField(default=0, min_value=0, max_value=2**31 - 1)

    # name in the API -> model field
    orderings: Mapping[str, str] = {}
    # Filters by equality: names of model fields, or name in the API -> model field.
    exact: Iterable[str] = ()
    # The model field that the filters `from` and `to` compare; a list without them has none.
    moment: str = ""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields() | {"cursor": _cursor()} | (period() if self.moment else {})
        return fields | ({deletions.PARAMETER: _deleted_from()} if self.shows_deletions else {})

    @property
    def cursor(self) -> str:
        """The cursor of the request; empty on the first page."""
        word: str = self.validated_data["cursor"]
        return word

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("cursor") and attrs["offset"]:
            raise serializers.ValidationError({"offset": ["A cursor has its own place; leave it out."]})
        return attrs

    def order(self) -> list[str]:
        """The model fields to sort by, the key last so that pages never overlap."""
        asked: str = self.validated_data.get("ordering", "")
        if not asked:
            return []
        sign = "-" if asked.startswith("-") else ""
        field = self.orderings[asked.removeprefix("-")]
        return [sign + field] if field == "pk" else [sign + field, f"{sign}pk"]

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that pass the filters."""
        asked = self.validated_data
        fields = self.exact if isinstance(self.exact, Mapping) else {name: name for name in self.exact}
        rows = rows.filter(**{field: asked[name] for name, field in fields.items() if name in asked})
        for name in ("q", "search"):
            if name in asked:
                rows = rows.filter(self.containing(asked[name]))
        return within(rows, self.moment, asked) if self.moment else rows

    def read(self, rows: Any) -> Page:
        """The page that was asked for. A list of something else than rows of the database overrides this."""
        kept = self.filtered(rows)
        order = self.order()
        if order:
            kept = kept.order_by(*order)
        return self.read_in_order(kept)

    def read_in_order(self, rows: QuerySet[Any]) -> Page:
        """The page of rows that are filtered and ordered."""
        offset, limit = self.validated_data["offset"], self.validated_data["limit"]
        return _read_on(rows, self.cursor, offset, limit)

    def containing(self, text: str) -> Q:
        """The rows that contain the text of `search`."""
        raise NotImplementedError


class ChangedQuery(ListQuery):
    """The query string of a list that other systems mirror: filters by the time of the last change."""

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | changes()

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return within(super().filtered(rows), "updated_at", self.validated_data, prefix="updated_")


def _cursor() -> TextField:
    return TextField(
        default="",
        allow_blank=True,
        max_length=1000,
        help_text="`next` of the page before, with the same filters and ordering, and no offset.",
    )


def _deleted_from() -> MomentField:
    return MomentField(
        help_text="Answer with the rows that were deleted at this time or later, in `deleted`, instead of "
        "rows. Only with `limit` and `cursor`; 400 for a time before the oldest deletion that is kept "
        "(DELETION_RETENTION)."
    )


def ordering(names: Iterable[str]) -> serializers.ChoiceField:
    choices = [sign + name for name in names for sign in ("", "-")]
    return serializers.ChoiceField(choices=choices, required=False, help_text="'-' in front: descending.")


def search(help_text: str) -> TextField:
    return TextField(required=False, max_length=100, help_text=help_text)


def period() -> dict[str, Any]:
    """The fields `from` and `to`. They are a dictionary because `from` is a keyword of Python."""
    return {
        "from": MomentField(help_text="At this time or later, or from the beginning of this day."),
        "to": MomentField(help_text="Before this time, or until the end of this day.", ends=True),
    }


def changes() -> dict[str, Any]:
    """The fields `updated_from` and `updated_to`."""
    return {
        "updated_from": MomentField(help_text="Changed at this time or later, or on this day or later."),
        "updated_to": MomentField(
            help_text="Changed before this time, or until the end of this day.", ends=True
        ),
    }


def within(rows: QuerySet[Any], field: str, asked: dict[str, datetime], *, prefix: str = "") -> QuerySet[Any]:
    """The rows whose `field` is in the period of `period` or, with its prefix, of `changes`."""
    if f"{prefix}from" in asked:
        rows = rows.filter(**{f"{field}__gte": asked[f"{prefix}from"]})
    if f"{prefix}to" in asked:
        rows = rows.filter(**{f"{field}__lt": asked[f"{prefix}to"]})
    return rows


def query(kind: type[StrictSerializer], request: Request) -> Any:
    """The validated query string; the last value of a repeated parameter counts. Raises ValidationError."""
    serializer = kind(data=request.query_params.dict())
    serializer.is_valid(raise_exception=True)
    return serializer


def page(
    request: Request,
    *,
    kind: type[ListQuery],
    rows: Any,
    name: str,
    noun: str,
    shape: type[serializers.Serializer[Any]],
    prepare: Callable[[list[Any]], Any] | None = None,
    expansions: Mapping[str, Expansion] | None = None,
) -> Response:
    """Answer one page of `rows` under `name`.

    A page costs two queries, and those of the prefetches: the rows, and the exact total, which the database
    counts in an index. A page after a cursor has the total of the first page instead. `prepare` may load data
    for all rows of the page at once; it returns the `prepared` value of the serializer's context. Each
    expansion that is asked for costs the queries of its resource, for all rows of the page at once.
    """
    asked = query(kind, request)
    found, total, following = asked.read(rows)
    context = {"request": request, "prepared": prepare(found) if prepare else None}
    items = arranged(
        request,
        asked.validated_data,
        found,
        shape(found, many=True, context=context).data,
        shape=shape,
        expansions=expansions or {},
    )
    address = links.following(request, following)
    data = {
        name: items,
        "count": len(items),
        "total": total,
        "next": following,
        "links": {"next": address},
    }
    return answer(f"{len(items)} of {total} {noun}.", data, headers=links.headers(address))


def _read_on(rows: QuerySet[Any], word: str, offset: int, limit: int) -> Page:
    order = cursors.order_of(rows)
    if word:
        try:
            cursor = cursors.Cursor.decode(word)
            rows, total = cursor.rest(rows, order), cursor.total
        except cursors.BadCursor:
            raise not_a_cursor() from None
    else:
        total = rows.order_by().count()
    # One row more than the limit shows whether there is a next page.
    found = list(rows[offset : offset + limit + 1]) if word or offset < total else []
    more = cursors.after(found[limit - 1], order, total) if len(found) > limit else None
    return Page(found[:limit], total, more)


def not_a_cursor() -> serializers.ValidationError:
    reason = "Not a cursor of this list in this order. Start again without a cursor."
    return serializers.ValidationError({"cursor": [reason]})
