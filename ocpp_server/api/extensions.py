"""Row extensions: a field that one app adds to the rows of another app's list in the REST API.

An app announces a module in its `AppConfig.ready`. The API imports the module at the first use, and the
module calls `extend`. The view calls `attach` with the rows of its page, so that each extension loads the
values of all rows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from rest_framework import serializers

from ocpp_server.api.fields import ReadSerializer


@dataclass(frozen=True, slots=True)
class RowExtension:
    """`name`: the field in the API. `field`: makes its serializer field. `load`: the values of many rows, in
    the order of the rows. `joined`: relations that the query of the list selects too, so that `load` needs no
    query.
    """

    name: str
    field: Callable[..., serializers.Field[Any, Any, Any, Any]]
    load: Callable[[Sequence[Any]], Sequence[Any]]
    joined: tuple[str, ...] = ()

    @property
    def attribute(self) -> str:
        """The attribute in which `attach` stores the value on a row."""
        return f"extended_{self.name}"


_announced: list[str] = []
_extensions: dict[str, list[RowExtension]] = {}


def announce(module: str) -> None:
    """Register a module that calls `extend`. For `AppConfig.ready`, which must not import the REST API."""
    if module not in _announced:
        _announced.append(module)


def extend(list_name: str, extension: RowExtension) -> None:
    """Add a field to the rows of a list. Raises ValueError if the list already has the field."""
    known = _extensions.setdefault(list_name, [])
    if any(one.name == extension.name for one in known):
        raise ValueError(f"the list {list_name} has the field {extension.name} already")
    known.append(extension)


def of(list_name: str) -> list[RowExtension]:
    """The extensions of a list, in the order of the apps."""
    for module in _announced:
        import_module(module)
    return _extensions.get(list_name, [])


def joined(list_name: str) -> list[str]:
    """The relations that a list must select with its rows for its extensions."""
    return [relation for extension in of(list_name) for relation in extension.joined]


def attach(list_name: str, rows: Sequence[Any]) -> None:
    """Load every extension for these rows."""
    for extension in of(list_name):
        for row, value in zip(rows, extension.load(rows), strict=True):
            setattr(row, extension.attribute, value)


class ExtendedSerializer(ReadSerializer):
    """The serializer of rows that other apps extend."""

    extended: ClassVar[str]

    def get_fields(self) -> dict[str, Any]:
        more = {one.name: one.field(source=one.attribute) for one in of(self.extended)}
        return super().get_fields() | more
