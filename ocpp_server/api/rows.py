"""The shape of rows that a request chooses: `fields` leaves fields out, `expand` adds other resources."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from django.db.models import prefetch_related_objects
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from ocpp_server.api.fields import StrictSerializer, TextField

MOST_NAMES = 100
_NAMES = {"type": "string", "maxLength": 4000}


@extend_schema_field(_NAMES)
class NamesField(TextField):
    """Names that are separated by commas. `known` are the allowed ones; without it, every name is."""

    def __init__(self, *, known: Collection[str] = (), **kwargs: Any) -> None:
        self._known = known
        super().__init__(required=False, max_length=_NAMES["maxLength"], **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        names = super().to_internal_value(data).split(",")
        if len(names) > MOST_NAMES:
            raise serializers.ValidationError(f"At most {MOST_NAMES} names.")
        if self._known:
            check(names, self._known)
        return names


def check(names: Iterable[str], known: Collection[str]) -> None:
    """Raise ValidationError for a name that is not known."""
    unknown = sorted({name for name in names if name not in known})
    if unknown:
        listed = ", ".join(sorted(known))
        raise serializers.ValidationError(f"Unknown: {unknown[0][:100]!r}; known are {listed}.")


class RowQuery(StrictSerializer):
    """The parameters `fields` and, for a resource with expansions, `expand`.

    `shows_deletions`: a list also has `deleted_from`.
    """

    expandable: ClassVar[tuple[str, ...]] = ()
    shows_deletions: ClassVar[bool] = False

    def get_fields(self) -> dict[str, Any]:
        chosen: dict[str, Any] = {
            "fields": NamesField(
                help_text="The fields of a row that you need, separated by commas; the answer has only these "
                "and those of `expand`. All unless given."
            )
        }
        if self.expandable:
            words = ", ".join(f"`{name}`" for name in self.expandable)
            chosen["expand"] = NamesField(
                known=self.expandable,
                help_text=f"Related rows to include, separated by commas: {words}. null where there is none, "
                "or none that you may see.",
            )
        return super().get_fields() | chosen


@dataclass(frozen=True)
class Expansion:
    """A related row in a field of its own, in the shape of its own resource.

    `relation`: the path from a row to the other one, as for `prefetch_related`. `resource`: the dotted path
    of its viewset, which is imported at the first use: apps may not import each other in a circle.
    """

    relation: str
    resource: str

    def viewset(self) -> Any:
        return import_string(self.resource)

    def shape(self) -> type[serializers.Serializer[Any]]:
        """The shape of a row in the list of its resource."""
        found: type[serializers.Serializer[Any]] = self.viewset().listed_shape()
        return found

    def attached(self, request: Request, rows: Sequence[Any]) -> list[dict[str, Any] | None]:
        """The related row of each row; null where there is none, or none in the list of this caller.

        Raises PermissionDenied for a caller who may not read the other resource.
        """
        view = self.viewset()()
        view.request, view.kwargs, view.action = request, {}, "list"
        for permission in view.get_permissions():
            if not permission.has_permission(request, view):
                raise PermissionDenied(f"No {view.nouns} for you: {permission.message}")
        prefetch_related_objects(rows, self.relation)
        related = [_followed(row, self.relation.split("__")) for row in rows]
        wanted = {one.pk for one in related if one is not None}
        # Read as the resource itself reads them, with the rows that this caller may see and no others.
        found = list(view.get_queryset().filter(pk__in=wanted)) if wanted else []
        context = {"request": request, "prepared": view.prepare(found)}
        shown = {row.pk: dict(self.shape()(row, context=context).data) for row in found}
        return [None if one is None else shown.get(one.pk) for one in related]


def _followed(row: Any, names: Iterable[str]) -> Any:
    for name in names:
        row = None if row is None else getattr(row, name)
    return row


@cache
def query_of(
    kind: type[StrictSerializer], expandable: tuple[str, ...], shows_deletions: bool
) -> type[RowQuery]:
    """The query of a read, with what the declaration of its resource adds."""
    bases = (kind,) if issubclass(kind, RowQuery) else (kind, RowQuery)
    more = {"expandable": expandable, "shows_deletions": shows_deletions, "__doc__": kind.__doc__}
    return type(kind.__name__, bases, more)


# The fields that expansions add to components of the OpenAPI document, by the name of the component.
_expanded: dict[str, dict[str, Callable[[], type[serializers.Serializer[Any]]]]] = {}


def announce(shape: type[serializers.Serializer[Any]], expansions: Mapping[str, Expansion]) -> None:
    """Note the expansions of a shape for the OpenAPI document."""
    if expansions:
        fields = _expanded.setdefault(_component(shape), {})
        fields.update({name: expansion.shape for name, expansion in expansions.items()})


def document(components: dict[str, Any]) -> None:
    """Add the fields of the expansions to the components of the OpenAPI document."""
    for name, fields in _expanded.items():
        for field, shape in fields.items():
            target = _component(shape())
            if name in components and target in components:
                components[name]["properties"][field] = {
                    "allOf": [{"$ref": f"#/components/schemas/{target}"}],
                    "nullable": True,
                    "description": f"Only with `expand={field}`.",
                }


def _component(shape: type[serializers.Serializer[Any]]) -> str:
    return shape.__name__.removesuffix("Serializer")


def arranged(
    request: Request,
    asked: Mapping[str, Any],
    rows: Sequence[Any],
    shown: Iterable[Any],
    *,
    shape: type[serializers.Serializer[Any]],
    expansions: Mapping[str, Expansion],
) -> list[dict[str, Any]]:
    """The shown rows with the fields that were asked for, and with the related rows.

    Raises ValidationError for an unknown field.
    """
    names = asked.get("fields")
    items = [dict(one) for one in shown]
    if names is not None:
        try:
            check(names, shape().fields)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"fields": error.detail}) from None
        items = [{name: one[name] for name in names if name in one} for one in items]
    for name in dict.fromkeys(asked.get("expand", ())):
        for item, related in zip(items, expansions[name].attached(request, rows), strict=True):
            item[name] = related
    return items
