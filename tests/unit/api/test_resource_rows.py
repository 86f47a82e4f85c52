"""The rows of a resource: its lists, the row that a URL names, and the values that other apps add."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q

from chargepoints.models import Site
from ocpp_server.api import extensions, lookups
from ocpp_server.api.extensions import ExtendedSerializer
from ocpp_server.api.lists import ListQuery, search
from ocpp_server.api.lookups import TEXT, Lookup
from ocpp_server.api.operations import List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.domain import Invalid, Missing
from tests.unit.api.test_operations import PLACE, PlaceSerializer, ShortSerializer, told


class PlaceQuery(ListQuery):
    search = search("In the name.")

    def containing(self, text: str) -> Q:
        return Q(name=text)


class Stored(ResourceViewSet):
    """A resource of stored rows, without one that it hides."""

    tag, noun, has_etag = "Places", "place", False
    queryset = Site.objects.exclude(name="Hidden").order_by("pk")
    serializer_class = PlaceSerializer
    lookup = Lookup("place_id", "")

    def prepare(self, rows: list[Any]) -> int:
        return len(rows)


@pytest.mark.parametrize(
    ("shape", "row"),
    [(None, {"name": "Depot", "prepared": "GET 1"}), (ShortSerializer, {"city": "Ulm"})],
)
def test_a_list_has_the_rows_of_its_resource_in_its_own_shape(
    db: None, shape: Any, row: dict[str, str]
) -> None:
    Site.objects.create(name="Depot", city="Ulm")
    Site.objects.create(name="Yard", city="Bonn")

    message, data = told(List(PlaceQuery, shape), {"search": "Depot"}, kind=Stored, method="get")

    assert message == "1 of 1 places."
    assert (data["places"], data["count"], data["total"]) == ([row], 1, 1)


def found(kind: type[ResourceViewSet], *, lock: bool = False, **path: str) -> Any:
    view = kind()
    view.kwargs = path
    return view.find(lock=lock)


def test_a_row_is_found_by_its_number_among_those_of_the_resource(db: None) -> None:
    row = Site.objects.create(name="Depot")
    other = Site.objects.create(name="Hidden")

    assert found(Stored, place_id=str(row.pk)) == row
    with pytest.raises(Missing, match=f"Place {other.pk} not found"):
        found(Stored, place_id=str(other.pk))
    with pytest.raises(Invalid) as caught:
        found(Stored, place_id="x")
    assert caught.value.field == "place_id"


def test_a_row_is_found_by_the_function_of_its_parameter() -> None:
    class Named(Stored):
        noun = "place"
        lookup = Lookup("name", "", TEXT, lambda text, lock=False: (text, lock))

    assert found(Named, name="Depot") == ("Depot", False)
    assert found(Named, name="Depot", lock=True) == ("Depot", True)


@pytest.mark.parametrize("lock", [True, False])
def test_a_row_is_locked_only_if_it_is_changed(db: None, monkeypatch: pytest.MonkeyPatch, lock: bool) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(lookups, "locked_if", lambda rows, lock: (asked.append(lock), rows)[1])
    row = Site.objects.create(name="Depot")

    found(Stored, lock=lock, place_id=str(row.pk))

    assert asked == [lock]


def test_a_body_is_given_as_it_is_unless_a_resource_resolves_it() -> None:
    given = {"name": "Depot"}

    assert ResourceViewSet().resolve(given) is given


def test_only_rows_that_other_apps_extend_get_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    attached: list[Any] = []
    monkeypatch.setattr(extensions, "attach", lambda name, rows: attached.append((name, rows)))

    class ExtendedPlace(ExtendedSerializer):
        extended = "places"

    class Extended(ResourceViewSet):
        tag, noun, serializer_class = "Places", "place", ExtendedPlace

    class Plain(ResourceViewSet):
        tag, noun, serializer_class = "Places", "place", PlaceSerializer

    assert Extended().prepare([PLACE]) is None
    assert Plain().prepare([PLACE]) is None
    assert attached == [("places", [PLACE])]
