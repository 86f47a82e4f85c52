"""The OpenAPI description of an endpoint: its parameters, answers and headers follow from `described`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.views import APIView

from ocpp_server.api.documents import REASONS, described, enveloped, listed
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.openapi import RATE_LIMIT, Documented, refuse_unknown_fields
from ocpp_server.error_codes import STATION_CODES, Code
from tests.unit.api import generated
from tests.unit.api.generated import parameters

USUAL = {"200", "400", "401", "403", "405", "429", "500", "503"}


class PlaceSerializer(ReadSerializer):
    name = serializers.CharField()


class PlaceBody(StrictSerializer):
    name = TextField()


class PlaceQuery(StrictSerializer):
    colour = TextField(required=False)


def document(route: str = "places", **methods: Callable[[Any], Any]) -> dict[str, Any]:
    """The document of one view, whose methods have these descriptions."""

    def method(view: Any, request: Any, **path: Any) -> None:
        """For developers, and not for users of the API."""

    members = {
        name: describe(type(method)(method.__code__, globals(), name)) for name, describe in methods.items()
    }
    view = type("PlaceView", (APIView,), {**members, "schema": Documented()})
    return generated.document([path(f"api/v1/{route}", view.as_view())])


def operation(answers: Any = None, *, route: str = "places", method: str = "get", **more: Any) -> Any:
    """The description of one method in the document."""
    answers = enveloped("Place", PlaceSerializer) if answers is None else answers
    made = document(route, **{method: described("Get a place", answers, tag="Places", **more)})
    (found,) = made["paths"].values()
    return found[method]


def test_an_endpoint_has_its_summary_its_tag_and_its_name() -> None:
    found = operation()

    assert (found["summary"], found["tags"]) == ("Get a place", ["Places"])
    assert found["operationId"] == "getPlaces"
    assert operation(description="Of today.")["description"].startswith("Of today.")


@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("places/<int:number>/free-seats", "getPlaceFreeSeats"),
        ("big-places/<str:place_id>.json", "getBigPlace"),
    ],
)
def test_the_id_of_an_operation_has_the_words_of_its_path(route: str, name: str) -> None:
    assert operation(route=route)["operationId"] == name


def test_an_endpoint_documents_the_refusals_that_every_endpoint_has() -> None:
    found = operation()

    assert set(found["responses"]) == USUAL
    assert parameters(found) == set()
    refusal = found["responses"]["403"]
    assert refusal["description"] == REASONS[403]
    assert refusal["content"]["application/json"]["schema"]["$ref"].endswith("/Problem403")


@pytest.mark.parametrize(
    ("method", "options", "more", "headers"),
    [
        ("get", {"also": (422,)}, {"422"}, set()),
        ("get", {"waits": True}, {"408", "409", "502"}, set()),
        ("get", {"tagged": True}, {"304"}, {"If-None-Match"}),
        ("get", {"guarded": True}, {"412"}, {"If-Match"}),
        ("get", {"accepted": True}, {"202"}, set()),
        ("post", {"changes": True}, {"409", "415"}, {"Idempotency-Key"}),
        ("post", {"changes": True, "waits": True}, {"202", "408", "409", "415", "502"}, {"Idempotency-Key"}),
    ],
)
def test_each_property_of_an_endpoint_adds_its_answers_and_headers(
    method: str, options: dict[str, Any], more: set[str], headers: set[str]
) -> None:
    found = operation(method=method, **options)

    assert set(found["responses"]) == USUAL | more
    assert {name for where, name in parameters(found) if where == "header"} == headers


def test_only_a_changing_command_may_go_on_without_its_caller() -> None:
    waiting = operation(method="post", waits=True, changes=True)

    (wait,) = [each for each in waiting["parameters"] if each["in"] == "query"]
    assert (wait["name"], wait["schema"]["default"], wait["schema"]["enum"]) == (
        "wait",
        "true",
        ["true", "false"],
    )
    assert waiting["responses"]["202"]["content"] == waiting["responses"]["200"]["content"]
    assert parameters(operation(waits=True)) == set()


def test_work_in_the_background_is_answered_with_the_same_envelope() -> None:
    found = operation(accepted=True)["responses"]

    assert found["202"]["content"] == found["200"]["content"]


def test_an_unchanged_answer_has_no_body() -> None:
    assert operation(tagged=True)["responses"]["304"] == {"description": "Not changed since it was read."}


@pytest.mark.parametrize(
    ("status", "options", "words"),
    [
        ("200", {}, "Get a place"),
        ("202", {"accepted": True}, "in the background"),
        ("202", {"waits": True, "changes": True}, "without waiting"),
    ],
)
def test_each_success_says_in_words_what_it_is(status: str, options: dict[str, Any], words: str) -> None:
    assert words in operation(method="post", **options)["responses"][status]["description"]


def test_a_new_row_is_answered_with_its_location() -> None:
    found = operation(method="post", status=201, located=True)["responses"]

    assert set(found) == USUAL - {"200"} | {"201"}
    assert set(found["201"]["headers"]) == {"Location", *RATE_LIMIT}
    assert set(operation(method="post", status=201)["responses"]["201"]["headers"]) == set(RATE_LIMIT)


def test_a_row_in_the_path_may_be_missing_and_has_a_positive_number() -> None:
    found = operation(route="places/<int:number>", path=Lookup("number", "The number of the place.").path)

    assert set(found["responses"]) == USUAL | {"404"}
    (parameter,) = found["parameters"]
    assert (parameter["in"], parameter["name"], parameter["required"]) == ("path", "number", True)
    assert parameter["description"] == "The number of the place."
    assert parameter["schema"] == {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}


def test_the_query_and_the_body_have_their_fields() -> None:
    made = document(
        get=described("List places", enveloped("Place", PlaceSerializer), tag="Places", query=PlaceQuery),
        post=described("Add a place", enveloped("Place", PlaceSerializer), tag="Places", body=PlaceBody),
    )
    (found,) = made["paths"].values()

    assert parameters(found["get"]) == {("query", "colour")}
    assert "requestBody" not in found["get"]
    (body,) = found["post"]["requestBody"]["content"].values()
    assert body["schema"]["$ref"].endswith("/PlaceBodyRequest")


def test_a_file_has_its_media_types_and_no_envelope() -> None:
    found = operation({"text/csv": OpenApiTypes.BYTE, "text/plain": OpenApiTypes.STR})

    assert set(found["responses"]["200"]["content"]) == {"text/csv", "text/plain"}
    assert set(found["responses"]) == USUAL


# -- envelopes -----------------------------------------------------------------------------------------------


def shapes(answers: Any) -> dict[str, Any]:
    """The fields of each component of a document with this answer."""
    return generated.fields(document(get=described("Get a place", answers, tag="Places")))


ENVELOPE = {"success": "boolean", "message": "string"}


@pytest.mark.parametrize(
    ("data", "component", "fields"),
    [
        (PlaceSerializer, "Place", {"name": "string"}),
        (PlaceSerializer(), "Place", {"name": "string"}),
        ({"seats": serializers.IntegerField()}, "SpotData", {"seats": "integer"}),
    ],
)
def test_data_are_put_into_the_envelope(data: Any, component: str, fields: dict[str, str]) -> None:
    found = shapes(enveloped("Spot", data))

    assert found["SpotEnvelope"] == {**ENVELOPE, "data": component}
    assert found[component] == fields


def test_answers_of_one_name_and_shape_share_their_envelope() -> None:
    assert enveloped("Spot", PlaceSerializer) is enveloped("Spot", PlaceSerializer)
    assert enveloped("Spot", PlaceSerializer) is not enveloped("Other", PlaceSerializer)


def test_a_list_has_its_rows_their_numbers_and_the_next_cursor() -> None:
    made = document(get=described("List places", listed("Spots", "places", PlaceSerializer), tag="Places"))

    found = generated.fields(made)
    assert found["SpotsEnvelope"] == {**ENVELOPE, "data": "SpotsData"}
    assert found["SpotsData"] == {
        "places": "Place[]",
        "count": "integer",
        "total": "integer",
        "next": "string",
        "links": "PageLinks",
    }
    data = made["components"]["schemas"]["SpotsData"]["properties"]
    assert data["next"]["nullable"] is True
    assert "null on the last page" in data["next"]["description"]
    assert data["count"]["description"] != data["total"]["description"]


# -- all components ------------------------------------------------------------------------------------------


def test_a_body_of_the_document_refuses_unknown_fields() -> None:
    schemas = {
        "PlaceBodyRequest": {"type": "object"},
        "FreeRequest": {"type": "object", "additionalProperties": {}},
        "ListRequest": {"type": "array"},
        "Place": {"type": "object"},
    }

    found = refuse_unknown_fields({"components": {"schemas": schemas}})["components"]["schemas"]

    assert found["PlaceBodyRequest"] == {"type": "object", "additionalProperties": False}
    assert found["FreeRequest"] == {"type": "object", "additionalProperties": {}}
    assert found["ListRequest"] == {"type": "array"}
    assert found["Place"] == {"type": "object"}


def test_every_document_lists_the_codes_of_refusals() -> None:
    found = document(get=described("Get a place", enveloped("Place", PlaceSerializer), tag="Places"))

    assert found["components"]["schemas"]["ErrorCode"]["enum"] == [*Code, *STATION_CODES]
