"""The description of a declared resource: URLs, parameters, bodies and answers follow from its operations."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q
from django.urls import include, path
from rest_framework import serializers

from chargepoints.models import Site
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField
from ocpp_server.api.lists import ListQuery, ordering, search
from ocpp_server.api.lookups import TEXT, Lookup
from ocpp_server.api.openapi import RATE_LIMIT
from ocpp_server.api.operations import Act, All, Change, Create, Delete, Get, List, Operation, Part
from ocpp_server.api.resources import ResourceViewSet, Router
from ocpp_server.credentials import Role
from tests.unit.api import generated
from tests.unit.api.generated import parameters

USUAL = {"200", "400", "401", "403", "405", "429", "500", "503"}
PAGED = {"count": "integer", "total": "integer", "next": "string", "links": "PageLinks"}
FIELDS = ("query", "fields")
ENVELOPE = {"success": "boolean", "message": "string"}
IN_PATH = ("path", "place_id")
IF_MATCH, IF_NONE_MATCH = ("header", "If-Match"), ("header", "If-None-Match")
IDEMPOTENCY = ("header", "Idempotency-Key")


class PlaceSerializer(ReadSerializer):
    name = serializers.CharField()


class ShortSerializer(ReadSerializer):
    id = serializers.IntegerField()


class PlaceBody(StrictSerializer):
    name = TextField()


class PlaceQuery(ListQuery):
    orderings = {"id": "pk"}
    ordering = ordering(orderings)
    search = search("In the name.")

    def containing(self, text: str) -> Q:
        return Q(name=text)


class Units(StrictSerializer):
    unit = TextField(required=False)


def service(*_: Any, **__: Any) -> None:
    """Nothing: a description calls no service."""


def resource(*operations: Operation, **more: Any) -> type[ResourceViewSet]:
    """A resource of places with these operations."""
    members = {
        "tag": "Places",
        "noun": "place",
        "queryset": Site.objects.order_by("pk"),
        "serializer_class": PlaceSerializer,
        "lookup": Lookup("place_id", "The number of the place."),
        "operations": operations,
    }
    return type("PlaceViewSet", (ResourceViewSet,), {**members, **more})


def schema(*operations: Operation, prefix: str = "places", **more: Any) -> dict[str, Any]:
    router = Router()
    router.register(prefix, resource(*operations, **more))
    return generated.document([path("api/v1/", include(router.urls))])


def described(operation: Operation, **more: Any) -> tuple[str, dict[str, Any]]:
    """Method and path of one operation, and its description."""
    ((route, item),) = schema(operation, **more)["paths"].items()
    ((method, found),) = item.items()
    return f"{method.upper()} {route.removeprefix('/api/v1')}", found


@pytest.mark.parametrize(
    ("operation", "where", "summary", "statuses", "given"),
    [
        (
            List(PlaceQuery),
            "GET /places",
            "List places",
            USUAL,
            {("query", name) for name in ("limit", "offset", "cursor", "fields", "ordering", "search")},
        ),
        (All(), "GET /places", "List places", USUAL, {FIELDS}),
        (
            Get(),
            "GET /places/{place_id}",
            "Get a place",
            USUAL | {"304", "404"},
            {IN_PATH, IF_NONE_MATCH, FIELDS},
        ),
        (
            Part("opening-hours", ShortSerializer),
            "GET /places/{place_id}/opening-hours",
            "Get a place",
            USUAL | {"404"},
            {IN_PATH},
        ),
        (
            Create(PlaceBody, service),
            "POST /places",
            "Create a place",
            USUAL - {"200"} | {"201", "409", "415"},
            {IDEMPOTENCY},
        ),
        (
            Change(PlaceBody, service),
            "PATCH /places/{place_id}",
            "Change a place",
            USUAL | {"404", "409", "412", "415"},
            {IN_PATH, IF_MATCH, IDEMPOTENCY},
        ),
        (
            Delete(service),
            "DELETE /places/{place_id}",
            "Delete a place",
            USUAL | {"404", "409", "412", "415"},
            {IN_PATH, IF_MATCH, IDEMPOTENCY},
        ),
        (
            Act("shut-down", service),
            "POST /places/{place_id}/shut-down",
            "Shut-down a place",
            USUAL | {"404", "409", "412", "415"},
            {IN_PATH, IF_MATCH, IDEMPOTENCY},
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Operation) else None,
)
def test_each_operation_has_its_url_summary_statuses_and_parameters(
    operation: Operation, where: str, summary: str, statuses: set[str], given: set[tuple[str, str]]
) -> None:
    found, one = described(operation)

    assert (found, one["summary"], one["tags"]) == (where, summary, ["Places"])
    assert set(one["responses"]) == statuses
    assert parameters(one) == given


@pytest.mark.parametrize(
    ("operation", "envelope", "data"),
    [
        (
            List(PlaceQuery),
            "PlacesEnvelope",
            {"places": "Place[]", **PAGED},
        ),
        (
            List(PlaceQuery, ShortSerializer),
            "PlacesEnvelope",
            {"places": "Short[]", **PAGED},
        ),
        (All(), "PlacesEnvelope", {"places": "Place[]", "count": "integer"}),
        (Get(), "PlaceEnvelope", {"name": "string"}),
        (Part("hours", ShortSerializer), "ShortEnvelope", {"id": "integer"}),
        (Create(PlaceBody, service), "PlaceEnvelope", {"name": "string"}),
        (Change(PlaceBody, service), "PlaceEnvelope", {"name": "string"}),
        (Delete(service), "PlaceEnvelope", {"name": "string"}),
        (Delete(service, ShortSerializer), "ShortEnvelope", {"id": "integer"}),
        (Act("close", service), "PlaceEnvelope", {"name": "string"}),
    ],
)
def test_each_operation_answers_with_the_envelope_of_its_shape(
    operation: Operation, envelope: str, data: dict[str, str]
) -> None:
    made = schema(operation)
    ((one,),) = [item.values() for item in made["paths"].values()]
    status = "201" if isinstance(operation, Create) else "200"

    (content,) = one["responses"][status]["content"].values()
    found = generated.fields(made)

    assert generated.kind(content["schema"]) == envelope
    assert found[envelope] == {**ENVELOPE, "data": found[envelope]["data"]}
    assert found[found[envelope]["data"]] == data


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (Create(PlaceBody, service), "PlaceBodyRequest"),
        (Change(PlaceBody, service), "PatchedPlaceBodyRequest"),
        (Act("rename", service, PlaceBody), "PlaceBodyRequest"),
        (Act("close", service), None),
        (Delete(service), None),
    ],
)
def test_each_change_has_the_body_of_its_declaration(operation: Operation, body: str | None) -> None:
    _, one = described(operation)

    content = one.get("requestBody", {}).get("content", {})
    found = {media: generated.kind(each["schema"]) for media, each in content.items()}
    assert found == ({"application/json": body} if body else {})


def test_a_new_row_is_described_with_its_location() -> None:
    _, one = described(Create(PlaceBody, service))

    assert set(one["responses"]["201"]["headers"]) == {"Location", "ETag", "Idempotent-Replayed", *RATE_LIMIT}
    changed = described(Change(PlaceBody, service))[1]["responses"]["200"]
    assert set(changed["headers"]) == {"ETag", "Idempotent-Replayed", *RATE_LIMIT}


@pytest.mark.parametrize(
    ("operation", "noun", "summary"),
    [
        (Get(), "outlet", "Get an outlet"),
        (Get(), "area", "Get an area"),
        (Get(), "event", "Get an event"),
        (Get(), "image", "Get an image"),
        (Get(), "user", "Get a user"),
        (Get(), "API key", "Get an API key"),
        (Create(PlaceBody, service, word="add"), "place", "Add a place"),
        (Get(summary="The place"), "place", "The place"),
        (List(PlaceQuery, summary="All of them"), "place", "All of them"),
        (All(summary="All of them"), "place", "All of them"),
        (Act("close", service, word="shut"), "place", "Shut a place"),
    ],
)
def test_a_summary_has_the_word_and_the_noun_with_its_article(
    operation: Operation, noun: str, summary: str
) -> None:
    assert described(operation, noun=noun)[1]["summary"] == summary


def test_an_operation_may_have_a_description_and_more_statuses() -> None:
    _, one = described(Get(description="Of today.", also=(422,)))

    assert one["description"] == "Of today.\n\nNeeds the role viewer."
    assert "422" in one["responses"]


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (Get(), "If-None-Match"),
        (List(PlaceQuery), "cursor"),
        (All(), "without pages"),
        (Create(PlaceBody, service), "Idempotency-Key"),
        (Change(PlaceBody, service), "Only the fields"),
        (Delete(service), "for the last time"),
    ],
)
def test_a_usual_operation_describes_itself(operation: Operation, words: str) -> None:
    assert words in described(operation)[1]["description"]


def test_a_resource_without_etags_has_no_conditions() -> None:
    for operation in (Get(), Change(PlaceBody, service), Delete(service)):
        _, one = described(operation, has_etag=False)

        assert not parameters(one) & {IF_MATCH, IF_NONE_MATCH}
        assert not set(one["responses"]) & {"304", "412"}


def test_rows_below_another_row_have_the_parameters_of_both() -> None:
    below = {"parent": Lookup("area", "The name.", TEXT), "prefix": "areas/<str:area>/places"}

    listed, of_all = described(All(), **below)
    detail, of_one = described(Part("hours", ShortSerializer), **below)

    assert (listed, detail) == (
        "GET /areas/{area}/places",
        "GET /areas/{area}/places/{place_id}/hours",
    )
    assert parameters(of_all) == {("path", "area"), FIELDS}
    assert parameters(of_one) == {("path", "area"), IN_PATH}


def test_the_query_of_a_lookup_belongs_to_the_operations_on_one_row() -> None:
    units = {"lookup_query": Units}

    assert ("query", "unit") in parameters(described(Part("hours", ShortSerializer), **units)[1])
    assert parameters(described(All(), **units)[1]) == {FIELDS}
    assert parameters(described(Get(), **units)[1]) == {IN_PATH, IF_NONE_MATCH, FIELDS, ("query", "unit")}
    assert ("query", "unit") not in parameters(described(List(PlaceQuery), **units)[1])


# -- names and roles -----------------------------------------------------------------------------------------


def test_the_names_of_a_resource_follow_from_its_noun() -> None:
    named = resource(noun="price area")

    assert (named.nouns, named.key, named.component) == ("price areas", "price_areas", "PriceArea")
    assert named.label == "Price area {row}"
    assert named.lookup_url_kwarg == "place_id"


def test_the_names_of_a_resource_may_be_given() -> None:
    given = {"nouns": "cities", "label": "City {row.name}", "key": "towns", "component": "Town"}

    named = resource(noun="city", **given)

    assert {name: getattr(named, name) for name in given} == given


def test_an_operation_can_not_be_declared_twice() -> None:
    with pytest.raises(TypeError, match="PlaceViewSet has the operation retrieve twice"):
        resource(Get(), Get())


def test_a_resource_reads_the_rows_of_its_declaration_each_time() -> None:
    made = resource(Get())

    rows = made().get_queryset()

    assert (rows.model, rows.query.order_by) == (Site, ("pk",))
    assert rows is not made.queryset


def test_an_operation_may_need_a_role_of_its_own() -> None:
    made = resource(Get(), All(role=Role.ADMINISTRATOR), read_role=Role.OPERATOR)
    view = made()
    view.request = type("Asked", (), {"method": "GET"})()

    needed = {}
    for action in ("retrieve", "list"):
        view.action = action
        needed[action] = view.needed_role()

    assert needed == {"retrieve": Role.OPERATOR, "list": Role.ADMINISTRATOR}
    assert ResourceViewSet.roles == {}


@pytest.mark.parametrize(
    ("prefix", "name"),
    [("places", "places-list"), ("areas/<str:area_id>/free-places", "areas-str-area-id-free-places-list")],
)
def test_a_url_is_named_by_the_words_of_its_prefix(prefix: str, name: str) -> None:
    router = Router()
    router.register(prefix, resource(All()))

    assert [(str(one.pattern), one.name) for one in router.urls] == [(prefix, name)]


def test_a_url_may_have_a_name_of_its_own() -> None:
    router = Router()
    router.register("places", resource(All()), basename="yards")

    assert [one.name for one in router.urls] == ["yards-list"]
