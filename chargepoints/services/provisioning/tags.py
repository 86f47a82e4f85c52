"""Tags of stations: words by which operators group them, for lists and campaigns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import QuerySet

from chargepoints.models import ChargePoint, Tag
from chargepoints.models.tag import MOST_CHARACTERS, MOST_TAGS
from ocpp_server.domain import Invalid

Stations = TypeVar("Stations", bound=QuerySet[Any])

# Separates the tags in a form.
SEPARATOR = ","


def key_of(name: str) -> str:
    """The name for comparisons: case makes no difference."""
    return name.strip().casefold()


def checked(names: Iterable[str]) -> dict[str, str]:
    """The names by their keys, without repeated ones. Raises Invalid."""
    found: dict[str, str] = {}
    for given in names:
        name = given.strip()
        if not name or len(name) > MOST_CHARACTERS:
            raise Invalid(f"Each must have 1 to {MOST_CHARACTERS} characters.", field="tags")
        if SEPARATOR in name:
            raise Invalid("A tag must not contain a comma.", field="tags")
        found.setdefault(key_of(name), name)
    if len(found) > MOST_TAGS:
        raise Invalid(f"A station has at most {MOST_TAGS} tags.", field="tags")
    return found


def store(charge_point: ChargePoint, names: Iterable[str]) -> bool:
    """Give a station these tags and no others. Returns whether that changed something. Raises Invalid."""
    wanted = checked(names)
    present = dict(charge_point.tags.values_list("key", "name"))
    if wanted == present:
        return False
    changed = [key for key, name in present.items() if wanted.get(key) != name]
    charge_point.tags.filter(key__in=changed).delete()
    Tag.objects.bulk_create(
        Tag(charge_point=charge_point, key=key, name=name)
        for key, name in wanted.items()
        if present.get(key) != name
    )
    return True


def with_tag(stations: Stations, name: str) -> Stations:
    """The stations with this tag."""
    return stations.filter(pk__in=Tag.objects.filter(key=key_of(name)).order_by().values("charge_point"))


def all_of_them() -> dict[str, str]:
    """Every tag that a station has: the name by its key, in order."""
    return dict(Tag.objects.order_by("key").values_list("key", "name"))
