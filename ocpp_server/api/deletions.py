"""Deleted rows in lists: with `deleted_from`, a list answers with what was deleted since then."""

from __future__ import annotations

from typing import Any

from django.db.models import AutoField, IntegerField, Model
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server.api import links
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import ReadSerializer, TimeField, rfc3339
from ocpp_server.storage import deletions

PARAMETER = "deleted_from"
# The parameters that may stand beside it: a deleted row has no columns to filter by.
_BESIDE = frozenset({PARAMETER, "limit", "cursor", "offset"})


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class KeyField(serializers.Field[Any, Any, Any, Any]):
    """The key of a row in its URL: a number or a text."""

    def to_representation(self, value: Any) -> Any:
        return value


class DeletedRowSerializer(ReadSerializer):
    id = KeyField(help_text="What named the row in its URL.")
    at = TimeField(source="deleted_at")


def check(given: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raise ValidationError for a filter beside `deleted_from`, and for a time before the oldest notes."""
    others = sorted(given.keys() - _BESIDE)
    if others:
        raise serializers.ValidationError({others[0]: [f"Not together with {PARAMETER}."]})
    oldest = deletions.port.app.oldest_kept()
    if asked[PARAMETER] < oldest:
        days = (timezone.now() - oldest).days
        reason = f"Deletions are kept for {days} days, since {rfc3339(oldest)}. Read the whole list again."
        raise serializers.ValidationError({PARAMETER: [reason]})


def page(
    request: Request, asked: Any, *, model: type[Model], parent: Model | None, name: str, noun: str
) -> Response:
    """Answer with one page of the deleted rows, beside the empty list of rows."""
    how = deletions.kept()[model]
    check(request.query_params.dict(), asked.validated_data)
    above = str(parent.pk) if parent is not None and how.parent else None
    rows = deletions.port.app.rows(
        deletions.resource_of(model), parent=above, since=asked.validated_data[PARAMETER]
    )
    found, total, following = asked.read_in_order(rows)
    is_number = how.key == "pk" and isinstance(model._meta.pk, AutoField | IntegerField)
    for one in found:
        one.id = int(one.row) if is_number else one.row
    items = DeletedRowSerializer(found, many=True).data
    address = links.following(request, following)
    data = {
        name: [],
        "deleted": items,
        "count": len(items),
        "total": total,
        "next": following,
        "links": {"next": address},
    }
    return answer(f"{len(items)} of {total} deleted {noun}.", data, headers=links.headers(address))
