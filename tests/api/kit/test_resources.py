"""A resource from its declaration alone, and the URL table, which holds nothing but declared resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import Q, QuerySet
from django.urls import URLPattern, URLResolver, get_resolver, include, path, re_path
from rest_framework import serializers

from chargepoints.models import ChargePoint, Site
from ocpp_server.api import errors
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField
from ocpp_server.api.lists import ChangedQuery, ordering, search
from ocpp_server.api.lookups import TEXT, Lookup
from ocpp_server.api.operations import Act, All, Change, Create, Delete, Get, List, Operation, Part
from ocpp_server.api.resources import ResourceViewSet, Router
from ocpp_server.credentials import Role
from ocpp_server.domain import Conflict, Missing
from tests.api.conftest import Caller


class PlaceSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class AddressSerializer(ReadSerializer):
    city = serializers.CharField()


class PlaceBody(StrictSerializer):
    name = TextField(max_length=20)


class PlaceQuery(ChangedQuery):
    orderings = {"id": "pk", "name": "name_key"}
    exact = {"city": "city__iexact"}

    ordering = ordering(orderings)
    search = search("In the name.")
    city = TextField(required=False)

    def containing(self, text: str) -> Q:
        return Q(name__icontains=text)


def _renamed(place: Site, *, name: str) -> Site:
    place.name = name
    place.save()
    return place


def _close(place: Site) -> None:
    if place.city == "closed":
        raise Conflict(f"{place} is closed.")
    Site.objects.filter(pk=place.pk).update(city="closed")
    place.refresh_from_db()


def _deleted(place: Site) -> None:
    place.delete()


class PlaceViewSet(ResourceViewSet):
    tag, noun = "Places", "place"
    write_role = Role.OPERATOR
    queryset = Site.objects.order_by("pk")
    serializer_class = PlaceSerializer
    lookup = Lookup("place_id", "The number of the place.")
    operations = (
        List(PlaceQuery),
        Get(),
        Part("address", AddressSerializer, sentence="{row} is in {row.city}."),
        Create(PlaceBody, Site.objects.create),
        Change(PlaceBody, _renamed),
        Delete(_deleted),
        Act("close", _close),
    )


def _place(text: str) -> Site:
    found = Site.objects.filter(name_key=text.casefold()).first()
    if found is None:
        raise Missing(f"Place {text} not found.")
    return found


def _outlet(text: str) -> ChargePoint:
    return ChargePoint.objects.get(identity=text)


class OutletSerializer(ReadSerializer):
    identity = serializers.CharField()


class GoneSerializer(ReadSerializer):
    was = serializers.CharField(source="identity")


class OutletBody(StrictSerializer):
    identity = TextField()


def _removed(outlet: ChargePoint) -> None:
    outlet.delete()


def _added(place: Site, *, identity: str) -> ChargePoint:
    return ChargePoint.objects.create(site=place, identity=identity)


class OutletViewSet(ResourceViewSet):
    tag, noun, label, has_etag = "Places", "outlet", "Outlet {row.identity}", False
    serializer_class = OutletSerializer
    parent = Lookup("name", "The name of the place.", TEXT, _place)
    lookup = Lookup("identity", "", TEXT, _outlet, "identity")
    operations = (
        All(sentence="{parent} has {count} outlets."),
        Create(OutletBody, _added, word="add"),
        Delete(_removed, GoneSerializer),
    )

    def get_queryset(self) -> QuerySet[Any]:
        return ChargePoint.objects.filter(site=self.parent_row()).order_by("pk")


router = Router()
router.register("places", PlaceViewSet)
router.register("places/<str:name>/outlets", OutletViewSet)
urlpatterns = [
    path("api/v1/", include(router.urls)),
    re_path(r"^api(?:/.*)?$", errors.no_such_address),
]

PLACES = "/api/v1/places"
declared = pytest.mark.urls(__name__)


@declared
def test_a_declared_resource_creates_with_the_location_of_the_row(operator: Caller) -> None:
    made = operator.post(PLACES, {"name": "Depot"})

    assert (made.status_code, made.answer["message"]) == (201, "Place Depot created.")
    assert made["Location"] == f"{PLACES}/{made.info['id']}"
    got = operator.get(made["Location"])
    assert (got.status_code, got.answer["message"]) == (200, "Place Depot.")
    assert (got.info, got["ETag"]) == (made.info, made["ETag"])
    assert operator.get(made["Location"], If_None_Match=got["ETag"]).status_code == 304


@declared
def test_a_declared_list_has_filters_search_ordering_and_a_cursor(viewer: Caller) -> None:
    for name in ("Yard", "Depot", "Dock"):
        Site.objects.create(name=name, city="Ulm" if name == "Yard" else "")

    first = viewer.get(f"{PLACES}?ordering=-name&limit=2")
    second = viewer.get(f"{PLACES}?ordering=-name&limit=2&cursor={first.info['next']}")

    assert first.answer["message"] == "2 of 3 places."
    assert [row["name"] for row in first.info["places"] + second.info["places"]] == ["Yard", "Dock", "Depot"]
    assert viewer.get(f"{PLACES}?city=ULM").info["total"] == 1
    assert viewer.get(f"{PLACES}?search=d").info["total"] == 3
    assert viewer.get(f"{PLACES}?updated_from=2100-01-01").info["total"] == 0
    assert viewer.get(f"{PLACES}?colour=red").status_code == 400


@declared
def test_a_change_needs_the_state_that_if_match_names(operator: Caller) -> None:
    made = operator.post(PLACES, {"name": "Depot"})
    where, former = made["Location"], made["ETag"]

    changed = operator.patch(where, {"name": "Yard"}, If_Match=former)
    outdated = operator.patch(where, {"name": "Dock"}, If_Match=former)
    deleted = operator.delete(where, If_Match=former)

    assert (changed.status_code, changed.answer["message"]) == (200, "Place Yard changed.")
    assert changed["ETag"] != former
    assert (outdated.status_code, deleted.status_code) == (412, 412)
    assert operator.get(where).info["name"] == "Yard"


@declared
def test_a_deleted_row_is_shown_once_more(operator: Caller) -> None:
    made = operator.post(PLACES, {"name": "Depot"})

    deleted = operator.delete(made["Location"], If_Match=made["ETag"])

    assert (deleted.status_code, deleted.answer["message"]) == (200, "Place Depot deleted.")
    assert deleted.info == made.info
    gone = operator.get(made["Location"])
    assert (gone.status_code, gone.answer["message"]) == (404, f"Place {made.info['id']} not found.")


@declared
def test_a_part_of_a_row_has_its_url_and_shape_and_no_tag(viewer: Caller) -> None:
    where = f"{PLACES}/{Site.objects.create(name='Depot', city='Ulm').pk}"

    part = viewer.get(f"{where}/address")

    assert (part.status_code, part.answer["message"]) == (200, "Depot is in Ulm.")
    assert part.info == {"city": "Ulm"}
    assert "ETag" not in part
    assert viewer.get(f"{PLACES}/999999/address").status_code == 404


@declared
def test_a_deletion_may_answer_with_less_than_the_row(operator: Caller) -> None:
    Site.objects.create(name="Depot")
    made = operator.post(f"{PLACES}/depot/outlets", {"identity": "GARAGE 1"})

    deleted = operator.delete(made["Location"])

    assert (deleted.status_code, deleted.answer["message"]) == (200, "Outlet GARAGE 1 deleted.")
    assert deleted.info == {"was": "GARAGE 1"}
    assert not ChargePoint.objects.exists()


@declared
def test_an_action_has_its_url_body_and_refusal(operator: Caller) -> None:
    where = operator.post(PLACES, {"name": "Depot"})["Location"]

    wrong = operator.post(f"{where}/close", {"now": True})
    closed = operator.post(f"{where}/close")
    again = operator.post(f"{where}/close")

    assert wrong.status_code == 400
    assert (closed.status_code, closed.answer["message"]) == (200, "Place Depot closed.")
    assert (again.status_code, again.answer["message"]) == (409, "Depot is closed.")


@declared
def test_a_repeated_create_with_the_same_key_makes_one_row(operator: Caller) -> None:
    first = operator.post(PLACES, {"name": "Depot"}, Idempotency_Key="1")

    assert operator.post(PLACES, {"name": "Depot"}, Idempotency_Key="1").info == first.info
    assert Site.objects.count() == 1


@declared
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", PLACES, {"name": "A", "colour": "red"}, 400, "colour"),
        ("POST", PLACES, {}, 400, "name"),
        ("GET", f"{PLACES}/x", None, 400, "place_id"),
        ("PUT", f"{PLACES}/1", {"name": "A"}, 405, None),
        ("DELETE", PLACES, None, 405, None),
        ("OPTIONS", PLACES, None, 405, None),
        ("PATCH", f"{PLACES}/1", {"name": "A"}, 404, None),
        ("GET", f"{PLACES}/nowhere/outlets", None, 404, None),
        ("GET", f"{PLACES}/1/colour", None, 404, None),
    ],
)
def test_a_wrong_request_is_refused_in_the_envelope(
    operator: Caller, *, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    response = operator.request(method, path, body)

    assert response.status_code == status
    assert response.answer["success"] is False
    assert [error["field"] for error in response.info.get("errors", ())] == ([field] if field else [])


@declared
def test_the_role_of_the_declaration_is_needed_to_change(viewer: Caller, anonymous: Caller) -> None:
    assert viewer.post(PLACES, {"name": "Depot"}).status_code == 403
    assert viewer.get(PLACES).status_code == 200
    assert anonymous.get(PLACES).status_code == 401


@declared
def test_head_and_a_slash_at_the_end_are_served(viewer: Caller) -> None:
    head = viewer.request("HEAD", PLACES)

    assert (head.status_code, head.content) == (200, b"")
    assert viewer.get(f"{PLACES}/").status_code == 200


@declared
def test_rows_below_another_row_have_its_name_in_their_urls(operator: Caller) -> None:
    Site.objects.create(name="Car park")
    where = f"{PLACES}/Car%20park/outlets"

    made = operator.post(where, {"identity": "GARAGE/1?"})

    assert (made.status_code, made.answer["message"]) == (201, "Outlet GARAGE/1? added.")
    assert made["Location"] == f"{where}/GARAGE%2F1%3F"
    assert "ETag" not in made
    listed = operator.get(where)
    assert listed.answer["message"] == "Car park has 1 outlets."
    assert listed.info == {"outlets": [{"identity": "GARAGE/1?"}], "count": 1}


def test_an_operation_that_is_declared_twice_is_refused_at_import() -> None:
    with pytest.raises(TypeError, match="retrieve twice"):

        class Twice(ResourceViewSet):
            tag, noun = "Places", "place"
            serializer_class = PlaceSerializer
            lookup = Lookup("place_id", "")
            operations: tuple[Operation, ...] = (Get(), Get())


# -- the URL table -------------------------------------------------------------------------------------------

BESIDE = {
    "tokens/import": "a file as the body",
    "tokens/imports/<str:import_id>": "the progress of a file's import",
    "tokens/export": "a file as the answer",
    "transactions/export": "a file as the answer",
    "transactions/monthly-energy": "sums, and no rows of their own",
    "authorize": "a question, whose answer is no row",
    "alerts/statistics": "figures of all alerts",
    "certificates/expiring": "rows of several tables",
    "events": "a stream, read by position",
    "events/stream": "Server-Sent Events",
    "events/tickets": "for one use, and stored in the cache alone",
    "events/<str:event_id>": "an event of the stream",
}


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


def test_every_url_of_the_api_is_a_declared_resource_or_has_a_reason() -> None:
    found = {
        route.removeprefix("api/v1/"): view.cls
        for route, view in routes(get_resolver().url_patterns)
        if route.startswith("api/v1/")
    }
    beside = {route for route, view in found.items() if not issubclass(view, ResourceViewSet)}

    assert len(found) > 30
    assert beside == set(BESIDE)
