"""The operations of a resource: what the service gets, and the sentence, row and headers of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from ocpp_server.api import etags
from ocpp_server.api.envelope import AlwaysJson, JsonParser
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField
from ocpp_server.api.lookups import TEXT, Lookup
from ocpp_server.api.operations import Act, All, Change, Create, Delete, Get, Operation, Part
from ocpp_server.api.resources import ResourceViewSet


@dataclass
class Place:
    """A row."""

    name: str = "Depot"
    city: str = "Ulm"
    pk: int = 7

    def __str__(self) -> str:
        return self.name


@dataclass
class Service:
    """A service that notes its arguments."""

    result: Any = None
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    def __call__(self, *rows: Any, **given: Any) -> Any:
        self.calls.append((rows, given))
        return self.result


class PlaceSerializer(ReadSerializer):
    name = serializers.CharField()
    prepared = serializers.SerializerMethodField()

    def get_prepared(self, row: Place) -> str:
        return f"{self.context['request'].method} {self.context['prepared']}"


class CitySerializer(ReadSerializer):
    city = serializers.CharField()
    method = serializers.SerializerMethodField()

    def get_method(self, row: Place) -> str:
        return str(self.context["request"].method)


class ShortSerializer(ReadSerializer):
    city = serializers.CharField()


class PlaceBody(StrictSerializer):
    name = TextField()


PLACE, YARD = Place(), Place("Yard", "Bonn", 8)
SHOWN = {"name": "Depot", "prepared": "POST 1"}


class Places(ResourceViewSet):
    """A resource without tags: a condition would need the database."""

    tag, noun, has_etag = "Places", "place", False
    serializer_class = PlaceSerializer
    lookup = Lookup("place_id", "")

    def find(self, *, lock: bool = False) -> Place:
        return PLACE

    def get_queryset(self) -> Any:
        return [PLACE, YARD]

    def prepare(self, rows: list[Any]) -> int:
        return len(rows)

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        return {key: value.upper() for key, value in given.items()}


class Tagged(Places):
    noun, has_etag = "place", True


class Below(Places):
    noun = "place"
    parent = Lookup("area", "", TEXT, lambda text: f"<{text}>")


def run(
    operation: Operation, body: Any = None, *, kind: type[ResourceViewSet] = Places, method: str = "post"
) -> Response:
    plain = getattr(APIRequestFactory(), method)("/api/v1/places/", body or {}, format="json")
    request = Request(plain, parsers=[JsonParser()], negotiator=AlwaysJson())
    request.user = SimpleNamespace(get_username=lambda: "olga")  # type: ignore[assignment]
    view = kind()
    view.request, view.kwargs = request, {"area": "north"}
    return operation.run(view, request)


def told(operation: Operation, body: Any = None, **more: Any) -> tuple[str, Any]:
    """The sentence and the data of the answer."""
    response = run(operation, body, **more)
    assert (response.status_code, response.data["success"]) == (200, True)
    return response.data["message"], response.data["data"]


# -- reading -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("", "Place Depot."),
        ("{row} is in {row.city}.", "Depot is in Ulm."),
        (lambda row: f"Only {row}.", "Only Depot."),
    ],
)
def test_a_row_is_read_with_its_name_or_the_sentence_of_the_operation(sentence: Any, message: str) -> None:
    assert told(Get(sentence=sentence)) == (message, SHOWN)


def test_a_part_has_its_own_shape_and_sentence() -> None:
    part = Part("city", CitySerializer, sentence="{row} is in {row.city}.")

    assert told(part) == ("Depot is in Ulm.", {"city": "Ulm", "method": "POST"})


@pytest.mark.parametrize(
    ("sentence", "kind", "message"),
    [
        ("", Places, "2 places."),
        ("{count} of {parent}.", Below, "2 of <north>."),
        ("{count} of {parent}.", Places, "2 of None."),
    ],
)
def test_a_small_list_has_all_rows_and_their_number(
    sentence: str, kind: type[ResourceViewSet], message: str
) -> None:
    rows = [{"name": name, "prepared": "POST 2"} for name in ("Depot", "Yard")]

    assert told(All(sentence=sentence), kind=kind) == (message, {"places": rows, "count": 2})


def test_only_a_resource_with_tags_tags_its_rows() -> None:
    assert run(Get(), kind=Tagged)["ETag"] == etags.tag(SHOWN)
    assert "ETag" not in run(Get())


# -- changing ------------------------------------------------------------------------------------------------


def test_a_create_gives_the_resolved_body_to_the_service_and_answers_with_the_new_row() -> None:
    service = Service(YARD)

    response = run(Create(PlaceBody, service), {"name": "yard"})

    assert service.calls == [((), {"name": "YARD"})]
    assert (response.status_code, response["Location"]) == (201, "/api/v1/places/8")
    assert (response.data["message"], response.data["data"]["name"]) == ("Place Yard created.", "Yard")


def test_a_create_below_another_row_gives_that_row_first() -> None:
    service = Service(YARD)

    run(Create(PlaceBody, service), {"name": "yard"}, kind=Below)

    assert service.calls == [(("<north>",), {"name": "YARD"})]


@pytest.mark.parametrize("operation", [Change, lambda *given: Act("rename", given[1], given[0])])
def test_a_change_gives_the_row_and_the_resolved_body_to_the_service(operation: Any) -> None:
    service = Service()

    message, data = told(operation(PlaceBody, service), {"name": "yard"})

    assert service.calls == [((PLACE,), {"name": "YARD"})]
    assert message in ("Place Depot changed.", "Place Depot renamed.")
    assert data == SHOWN


def test_a_change_answers_with_the_row_that_the_service_returns() -> None:
    message, data = told(Change(PlaceBody, Service(YARD)), {"name": "yard"})

    assert (message, data["name"]) == ("Place Yard changed.", "Yard")


@pytest.mark.parametrize(
    "operation",
    [Create(PlaceBody, Service()), Change(PlaceBody, Service()), Act("close", Service())],
)
def test_a_body_with_other_fields_never_reaches_the_service(operation: Any) -> None:
    with pytest.raises(ValidationError):
        run(operation, {"colour": "red"})

    assert operation.service.calls == []


def test_an_action_takes_no_body_unless_it_declares_one() -> None:
    service = Service()

    assert told(Act("close", service)) == ("Place Depot closed.", SHOWN)
    assert service.calls == [((PLACE,), {})]


def test_a_deleted_row_is_shown_as_it_was() -> None:
    service = Service()

    assert told(Delete(service)) == ("Place Depot deleted.", SHOWN)
    assert service.calls == [((PLACE,), {})]


def test_a_row_that_is_kept_is_shown_as_the_service_returns_it() -> None:
    message, data = told(Delete(Service(YARD)))

    assert (message, data["name"]) == ("Place Yard deleted.", "Yard")


@pytest.mark.parametrize(("kept", "city"), [(None, "Ulm"), (YARD, "Bonn")])
def test_a_deletion_may_show_less_than_the_row(kept: Place | None, city: str) -> None:
    assert told(Delete(Service(kept), ShortSerializer))[1] == {"city": city}


@pytest.mark.parametrize(
    ("make", "actor"),
    [
        (lambda service, **more: Create(PlaceBody, service, **more), {"actor": "olga"}),
        (lambda service, **more: Change(PlaceBody, service, **more), {"actor": "olga"}),
        (lambda service, **more: Act("rename", service, PlaceBody, **more), {"actor": "olga"}),
    ],
)
def test_a_service_gets_the_caller_only_if_it_asks_for_it(make: Any, actor: dict[str, str]) -> None:
    plain, asking = Service(PLACE), Service(PLACE)

    run(make(plain), {"name": "yard"})
    run(make(asking, passes_actor=True), {"name": "yard"})

    assert plain.calls[0][1] == {"name": "YARD"}
    assert asking.calls[0][1] == {"name": "YARD", **actor}


def test_a_deletion_may_pass_its_caller() -> None:
    service = Service()

    run(Delete(service, passes_actor=True))

    assert service.calls == [((PLACE,), {"actor": "olga"})]


@pytest.mark.parametrize(
    ("word", "sentence", "message"),
    [
        ("", "", "Place Depot changed."),
        ("add", "", "Place Depot added."),
        ("close", "", "Place Depot closed."),
        ("close", "{row} is shut.", "Depot is shut."),
        ("close", lambda row: f"Shut: {row}.", "Shut: Depot."),
    ],
)
def test_the_sentence_of_a_change_has_the_past_of_its_word(word: str, sentence: Any, message: str) -> None:
    change = Change(PlaceBody, Service(), word=word, sentence=sentence)

    assert told(change, {"name": "yard"})[0] == message


def test_an_operation_of_no_kind_can_neither_be_described_nor_run() -> None:
    with pytest.raises(NotImplementedError):
        Operation().document(Places)
    with pytest.raises(NotImplementedError):
        run(Operation())


def test_the_method_of_an_operation_has_its_name_and_runs_it() -> None:
    operations = [Get(), Act("shut-down", Service()), Part("opening-hours", CitySerializer)]
    methods = [operation.install(Places) for operation in operations]

    assert [method.__name__ for method in methods] == ["retrieve", "shut_down", "opening_hours"]
    view = Places()
    view.request = Request(APIRequestFactory().get("/api/v1/places/7"))
    assert methods[0](view, view.request, place_id="7").data["message"] == "Place Depot."
