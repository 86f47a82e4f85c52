"""Errors in the envelope: the status, code, field and headers of every kind of error."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory
from rest_framework import exceptions

from ocpp_server import domain
from ocpp_server.api import errors
from ocpp_server.api.errors import TooManyWrongKeys, flatten, handle, invalid
from ocpp_server.error_codes import Code
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.protocol.schemas import PayloadInvalid
from ocpp_server.transport import sent_commands


@pytest.fixture(autouse=True)
def nothing_was_sent() -> None:
    sent_commands.begin()


def answered(error: Exception) -> tuple[int, dict[str, Any]]:
    response = handle(error, {})
    assert response.data["success"] is False
    return response.status_code, response.data["data"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (domain.Missing("Gone."), 404, "not-found"),
        (domain.Conflict("Twice."), 409, "state-conflict"),
        (domain.Outdated(), 412, "outdated"),
        (domain.Refused("No."), 422, "rule-refused"),
        (domain.StationOffline("Off."), 503, "offline"),
        (domain.QueueFull("Full."), 429, "queue-full"),
        (domain.Invalid("Wrong."), 400, "validation-failed"),
        (domain.DomainError("Other."), 409, "state-conflict"),
        (Http404(), 404, "not-found"),
        (PermissionDenied(), 403, "permission-denied"),
        (SuspiciousOperation("x"), 400, "bad-request"),
        (BadRequest("x"), 400, "bad-request"),
        (LiveStateUnavailable(), 503, "redis-away"),
        (StorageUnavailable(), 503, "database-away"),
        (OperationalError(), 503, "database-away"),
        (InterfaceError(), 503, "database-away"),
        (exceptions.NotFound(), 404, "not-found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method-not-allowed"),
        (exceptions.PermissionDenied(), 403, "permission-denied"),
        (exceptions.PermissionDenied(code=Code.CSRF_FAILED), 403, "csrf-failed"),
        (exceptions.AuthenticationFailed(), 401, "invalid-credentials"),
        (exceptions.NotAuthenticated(), 401, "not-authenticated"),
        (exceptions.ParseError("Not JSON."), 400, "malformed-body"),
        (exceptions.ValidationError({"a": ["x"]}), 400, "validation-failed"),
        (exceptions.Throttled(3), 429, "rate-limited"),
        (RuntimeError("secret"), 500, "internal-error"),
    ],
)
def test_each_kind_of_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    found, data = answered(error)

    assert (found, data["code"]) == (status, code)


def test_a_bug_shows_no_details() -> None:
    response = handle(RuntimeError("secret"), {"request": RequestFactory().get("/api/x/")})

    assert response.data["message"] == errors.FAULT


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Http404("No such page."), "No such page."),
        (Http404(), "Not found."),
        (PermissionDenied("Not you."), "Not you."),
        (PermissionDenied(), "This is not allowed."),
        (exceptions.NotAuthenticated("x"), errors.SIGN_IN),
        (exceptions.AuthenticationFailed("Unknown key."), "Unknown key."),
        (StorageUnavailable(), StorageUnavailable.sentence),
        (OperationalError("secret"), StorageUnavailable.sentence),
        (LiveStateUnavailable(), LiveStateUnavailable.sentence),
    ],
)
def test_an_error_has_its_own_sentence_or_the_usual_one(error: Exception, message: str) -> None:
    assert handle(error, {}).data["message"] == message


def test_a_service_that_is_away_returns_later() -> None:
    assert handle(StorageUnavailable(), {})["Retry-After"] == "10"
    assert handle(domain.QueueFull(), {})["Retry-After"] == "1"
    assert "Retry-After" not in handle(domain.Conflict("Twice."), {})


@pytest.mark.parametrize("error", [StorageUnavailable(), RuntimeError("bug")])
def test_an_error_after_a_command_names_the_command(error: Exception) -> None:
    sent_commands.add("c-7")

    assert answered(error)[1]["requestId"] == "c-7"
    assert "requestId" not in answered(domain.Conflict("Twice."))[1]


def test_an_error_after_a_command_warns_not_to_send_it_again() -> None:
    assert "do not send it again" not in handle(StorageUnavailable(), {}).data["message"]

    sent_commands.add("c-7")

    message = handle(StorageUnavailable(), {}).data["message"]
    assert "The command c-7 was sent: do not send it again." in message


def test_an_invalid_field_is_named() -> None:
    status, data = answered(domain.Invalid("Too long.", field="name", code=Code.NOT_SUPPORTED))

    assert (status, data["code"], data["param"]) == (400, "not-supported", "name")
    assert data["errors"] == [{"field": "name", "reason": "Too long."}]
    assert not {"errors", "param"} & answered(domain.Invalid("Too long."))[1].keys()


def test_a_conflict_may_name_its_field() -> None:
    _, data = answered(domain.Conflict("Taken.", field="name", data={"a": 1}))

    assert (data["param"], data["a"]) == ("name", 1)
    assert data["errors"] == [{"field": "name", "reason": "Taken."}]


def test_several_invalid_fields_are_all_named() -> None:
    wrong = [{"field": "a", "reason": "x"}, {"field": "b", "reason": "y"}]

    status, data = answered(domain.Invalid("Two are wrong.", errors=wrong))

    assert (status, data["param"], data["errors"]) == (400, "a", wrong)


def test_a_payload_that_does_not_fit_its_schema_names_the_fields() -> None:
    wrong = [{"field": "type", "reason": "is missing"}]

    response = handle(PayloadInvalid(wrong), {})

    assert response.status_code == 400
    assert response.data["data"]["errors"] == wrong
    assert response.data["message"].endswith(": type: is missing.")


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (1, "f0: r0X."),
        (3, "f0: r0X; f1: r1X; f2: r2X."),
        (4, "f0: r0X; f1: r1X; f2: r2X (and 1 more)."),
        (6, "f0: r0X; f1: r1X; f2: r2X (and 3 more)."),
    ],
)
def test_the_sentence_has_the_first_three_errors(count: int, message: str) -> None:
    wrong = [{"field": f"f{number}", "reason": f"r{number}X."} for number in range(count)]

    plain, headed = invalid(wrong), invalid(wrong, "Wrong")

    assert (plain.data["message"], headed.data["message"]) == (message, f"Wrong: {message}")
    assert (plain.data["data"]["param"], plain.data["data"]["errors"]) == ("f0", wrong)


def test_one_answer_names_a_limited_number_of_wrong_fields() -> None:
    error = exceptions.ValidationError({f"f{number}": ["x"] for number in range(101)})

    assert len(answered(error)[1]["errors"]) == 100


def unknown(text: str = "Unknown.") -> exceptions.ErrorDetail:
    return exceptions.ErrorDetail(text, code=Code.UNKNOWN_FIELD)


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ({"a": [unknown()], "b": {"c": [unknown()]}}, "unknown-field"),
        ({"a": [unknown()], "b": ["Too long."]}, "validation-failed"),
        ({"a": [unknown(), "Too long."]}, "validation-failed"),
        ({}, "validation-failed"),
        ({"a": []}, "validation-failed"),
    ],
)
def test_unknown_fields_have_a_code_only_if_nothing_else_is_wrong(detail: Any, code: str) -> None:
    assert answered(exceptions.ValidationError(detail))[1]["code"] == code


@pytest.mark.parametrize(
    ("detail", "found"),
    [
        ("x", [("body", "x")]),
        (["x", "y"], [("body", "x"), ("body", "y")]),
        ({"a": ["x"]}, [("a", "x")]),
        ({"a": {"b": ["x"]}}, [("a.b", "x")]),
        ({"a": [{"b": ["x"]}, {}, {"b": ["y"]}]}, [("a[0].b", "x"), ("a[2].b", "y")]),
        ({"a": [["x"]]}, [("a[0]", "x")]),
        ({"non_field_errors": ["x"]}, [("body", "x")]),
        ({"a": {"non_field_errors": ["x"]}}, [("a", "x")]),
        ({5: ["x"]}, [("5", "x")]),
    ],
)
def test_nested_errors_become_paths(detail: Any, found: list[tuple[str, str]]) -> None:
    assert [(each["field"], each["reason"]) for each in flatten(detail)] == found


@pytest.mark.parametrize(
    ("wait", "seconds"), [(None, "1"), (0, "1"), (0.4, "1"), (1.4, "2"), (30, "30"), (-3, "1")]
)
def test_a_throttled_caller_waits_whole_seconds_and_at_least_one(wait: float | None, seconds: str) -> None:
    response = handle(exceptions.Throttled(wait), {})

    assert response["Retry-After"] == seconds
    assert response.data["message"] == f"Too many requests; try again in {seconds} s."


def test_wrong_keys_are_throttled_with_their_own_sentence() -> None:
    assert handle(TooManyWrongKeys(5), {}).data["message"].startswith("Too many wrong API keys")


def test_a_refused_caller_gets_the_challenge_of_its_authentication() -> None:
    error = exceptions.NotAuthenticated()
    error.auth_header = "Api-Key"  # type: ignore[attr-defined]  # set by the framework

    assert handle(error, {})["WWW-Authenticate"] == "Api-Key"
    assert "WWW-Authenticate" not in handle(exceptions.NotAuthenticated(), {})


def test_a_body_that_is_no_json_is_wrong_as_a_whole() -> None:
    status, data = answered(exceptions.ParseError("Not JSON."))

    assert (status, data["param"]) == (400, "body")
    assert data["errors"] == [{"field": "body", "reason": "Not JSON."}]


# -- outside of the framework's views ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "is_api"),
    [
        ("/api/x/", True),
        ("/api", True),
        ("/health/live/", True),
        ("/clients/1", True),
        ("/metrics", True),
        ("/admin/", False),
        ("/apis/", False),
        ("/Xapi/", False),
        ("/x/api/", False),
        ("/", False),
    ],
)
def test_the_first_part_of_a_path_decides_who_answers(path: str, is_api: bool) -> None:
    request = RequestFactory().get(path)
    view = errors.paged(lambda request: HttpResponse("api"), lambda request: HttpResponse("page"))

    assert errors.is_api(request) is is_api
    assert view(request).content == (b"api" if is_api else b"page")


@pytest.mark.parametrize(
    ("view", "status", "code"),
    [
        (errors.bad_request, 400, "bad-request"),
        (errors.forbidden, 403, "permission-denied"),
        (errors.not_found, 404, "unknown-address"),
        (errors.fault, 500, "internal-error"),
    ],
)
def test_a_failing_path_of_the_api_is_answered_in_the_envelope(view: Any, status: int, code: str) -> None:
    response = view(RequestFactory().get("/api/x/"))

    shown = orjson.loads(response.content)
    assert (response.status_code, shown["success"], shown["data"]) == (status, False, {"code": code})


def resolved(path: str) -> HttpResponse:
    request: HttpRequest = RequestFactory().get(path)
    return errors.no_such_address(request)


@pytest.mark.parametrize("path", ["/api/nothing/", "/api/nothing", "/api/a/b/c/", "/healthX/"])
def test_an_unknown_path_is_not_found(path: str) -> None:
    response = resolved(path)

    shown = orjson.loads(response.content)
    assert (response.status_code, shown["data"]["code"]) == (404, "unknown-address")
    assert shown["message"] == f"Not found: {path}."


@pytest.mark.parametrize(
    ("view", "status"), [(errors.bad_request, 400), (errors.forbidden, 403), (errors.not_found, 404)]
)
def test_a_failing_page_is_answered_with_a_page(view: Any, status: int) -> None:
    response = view(RequestFactory().get("/admin/x/"), Exception())

    assert (response.status_code, response["Content-Type"]) == (status, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [("/health", 200, "health"), ("/health/", 200, "health"), ("/api/schema", 401, "api/schema/")],
)
def test_a_path_is_served_with_and_without_its_slash(client: Any, path: str, status: int, route: str) -> None:
    response = client.get(path)

    assert response.status_code == status
    request = RequestFactory().get(path)
    errors.no_such_address(request)
    if not path.endswith(route):
        assert request.resolver_match is not None
        assert request.resolver_match.route == route
