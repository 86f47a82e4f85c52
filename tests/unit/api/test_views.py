"""The base of every endpoint: roles by method, methods that exist, keys of repetition, and headers."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError
from django.http import HttpResponse
from django.utils.log import log_response
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from ocpp_server.api import etags, idempotency
from ocpp_server.api.envelope import AlwaysJson, JsonParser
from ocpp_server.api.fields import StrictSerializer, TextField
from ocpp_server.api.views import ApiView, body
from ocpp_server.credentials import Role
from ocpp_server.transport import sent_commands
from tests.logged import captured_logs


class Claims:
    """Takes the place of the stored keys: which requests were claimed, and how they ended."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[tuple[Any, int]] = []
        self.error: Exception | None = None
        self.replay: Response | None = None
        self.claim: Any = "row"


@pytest.fixture(autouse=True)
def claims(monkeypatch: pytest.MonkeyPatch) -> Claims:
    made = Claims()

    def claim(request: Request) -> Any:
        made.began.append(str(request.method))
        if made.replay is not None:
            raise idempotency.Replay(made.replay)
        return made.claim

    def finish(row: Any, response: Response) -> None:
        made.ended.append((row, response.status_code))
        if made.error is not None:
            raise made.error

    monkeypatch.setattr(idempotency, "claim", claim)
    monkeypatch.setattr(idempotency, "finish", finish)
    return made


class Place(ApiView):
    """A view without authentication."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    cached = False

    def get(self, request: Request) -> Any:
        headers = {"ETag": etags.tag({"a": 1})}
        if self.cached:
            headers["Cache-Control"] = "max-age=5"
        return Response({"a": 1}, headers=headers)

    def post(self, request: Request) -> Response:
        return Response({"sent": sent_commands.last()}, status=201)


class File(Place):
    def get(self, request: Request) -> Any:
        return HttpResponse("a")


def answered(method: str = "get", kind: type[ApiView] = Place, **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return kind.as_view()(APIRequestFactory().generic(method.upper(), "/api/v1/place", headers=names))


@pytest.mark.parametrize(
    ("method", "role"),
    [
        ("GET", Role.VIEWER),
        ("HEAD", Role.VIEWER),
        ("POST", Role.OPERATOR),
        ("PUT", Role.OPERATOR),
        ("PATCH", Role.OPERATOR),
        ("DELETE", Role.OPERATOR),
    ],
)
def test_reading_needs_a_viewer_and_changing_an_operator(method: str, role: Role) -> None:
    view = ApiView()
    view.request = SimpleNamespace(method=method)  # type: ignore[assignment]

    assert view.needed_role() == role


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_a_method_that_a_view_lacks_is_refused_before_its_key_is_claimed(method: str, claims: Claims) -> None:
    assert answered(method).status_code == 405
    assert claims.began == []


def test_a_view_has_the_methods_of_the_documentation_and_no_others() -> None:
    documented = ("get", "head", "post", "put", "patch", "delete")
    every = {method: lambda self, request: Response({}) for method in (*documented, "options", "trace")}
    kind = type("Every", (Place,), every)

    found = {method: answered(method, kind).status_code for method in every}

    assert found == {**dict.fromkeys(documented, 200), "options": 405, "trace": 405}


def test_only_a_change_claims_its_key_and_stores_its_answer(claims: Claims) -> None:
    assert answered("get").status_code == 200
    assert (claims.began, claims.ended) == ([], [])

    assert answered("post").status_code == 201
    assert (claims.began, claims.ended) == (["POST"], [("row", 201)])


def test_a_change_without_a_key_stores_no_answer(claims: Claims) -> None:
    claims.claim = None

    assert answered("post").status_code == 201
    assert claims.ended == []


def test_a_repeated_change_gets_the_first_answer(claims: Claims) -> None:
    claims.replay = Response({"first": True}, status=202)

    found = answered("post")

    assert (found.status_code, found.data) == (202, {"first": True})
    assert claims.ended == []


def test_an_answer_that_can_not_be_stored_reaches_its_caller(claims: Claims) -> None:
    claims.error = DatabaseError("away")

    with captured_logs() as lines:
        found = answered("post")

    assert found.status_code == 201
    assert [line["event"] for line in lines] == ["idempotency.answer_not_stored"]


def test_a_change_forgets_the_commands_of_the_request_before(claims: Claims) -> None:
    sent_commands.begin()
    sent_commands.add("c-1")

    assert answered("post").data == {"sent": ""}


@pytest.fixture
def own_cache() -> Iterator[None]:
    Place.cached = True
    yield
    Place.cached = False


def test_no_answer_is_stored_by_a_proxy() -> None:
    assert answered()["Cache-Control"] == "no-store"
    assert answered("put")["Cache-Control"] == "no-store"


def test_a_view_may_say_itself_how_long_its_answer_is_fresh(own_cache: None) -> None:
    assert answered()["Cache-Control"] == "max-age=5"


def test_a_caller_that_has_the_present_state_gets_no_body() -> None:
    found = answered(If_None_Match=etags.tag({"a": 1}))

    assert (found.status_code, found.data) == (304, None)
    assert answered(If_None_Match='"x"').status_code == 200
    assert answered(kind=File, If_None_Match="*").status_code == 200


def test_a_refusal_is_no_warning_of_the_framework(caplog: pytest.LogCaptureFixture) -> None:
    found = answered("put")
    log_response("%s", "refused", response=found, request=None)

    assert caplog.records == []


class PlaceBody(StrictSerializer):
    name = TextField()

    def validate_name(self, value: str) -> str:
        if value not in self.context["names"] or self.context["request"].method != "POST":
            raise serializers.ValidationError("Unknown.")
        return value


def test_a_body_is_checked_with_the_context_of_its_view() -> None:
    def given(name: str) -> Request:
        plain = APIRequestFactory().post("/", {"name": name}, format="json")
        return Request(plain, parsers=[JsonParser()], negotiator=AlwaysJson())

    assert body(PlaceBody, given("Depot"), names=["Depot"]) == {"name": "Depot"}
    with pytest.raises(ValidationError, match="Unknown"):
        body(PlaceBody, given("Yard"), names=["Depot"])
