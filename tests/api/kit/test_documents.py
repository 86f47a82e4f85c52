"""The OpenAPI document is complete, agrees with the answers, and loads nothing from other hosts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from ocpp_server.admin.hashed_files import files
from ocpp_server.api.operation_ids import VERBS
from ocpp_server.api.pages import document
from tests.api.accounts.test_credentials import API
from tests.api.conftest import Caller

# A ticket is used once, at the address that its answer has.
WITHOUT_LOCATION = {"/api/v1/events/tickets"}
EVERYWHERE = {"401", "403", "405", "429", "500", "503"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    document.cache_clear()
    with GENERATOR_STATS.silence():
        return document()


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, item in schema["paths"].items() for method, one in item.items()]


def test_the_document_is_valid_openapi_and_made_without_a_warning() -> None:
    document.cache_clear()
    GENERATOR_STATS.reset()

    validate_schema(document())

    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_every_address_is_documented(schema: dict[str, Any]) -> None:
    documented = {re.sub(r"\{[^}]+\}", "1", path).strip("/") for path in schema["paths"]}

    schemas = {"api/schema/", "api/docs/", "api/schema/events/1.json"}
    assert documented == set(API) - schemas


def test_every_operation_documents_all_its_answers(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        declared = set(operation["responses"])
        assert declared >= EVERYWHERE, (path, method)
        if "{" in path:
            assert "404" in declared, (path, method)
        if operation.get("parameters") and path != "/health":
            queries = [one for one in operation["parameters"] if one["in"] == "query"]
            assert not queries or "400" in declared, (path, method)
        if method != "get":
            assert {"409", "415"} <= declared, (path, method)
        if method != "get" and any(one["name"] == "wait" for one in operation.get("parameters", ())):
            assert {"202", "400", "408", "409", "502", "503"} <= declared, (path, method)


def test_every_answer_is_the_envelope(schema: dict[str, Any]) -> None:
    parts = schema["components"]["schemas"]
    for path, method, operation in operations(schema):
        for code, response in operation["responses"].items():
            for kind, content in response.get("content", {}).items():
                if kind != "application/json" or path.endswith("/export"):
                    continue
                name = content["schema"]["$ref"].rsplit("/", 1)[-1]
                assert set(parts[name]["properties"]) == {"success", "message", "data"}, (path, method, code)


def test_state_changing_calls_take_an_idempotency_key(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        names = {one["name"] for one in operation.get("parameters", ())}
        assert ("Idempotency-Key" in names) == (method != "get"), (path, method)


def test_operation_ids_are_unique_and_read_as_names(schema: dict[str, Any]) -> None:
    """`ocpp_server/api/operation_ids.py` has the rule, its table NAMES, and the verbs."""
    names = [one["operationId"] for _, _, one in operations(schema)]

    assert sorted(names) == sorted(set(names))
    for name in names:
        verb = re.match("[a-z]+", name)
        assert verb and verb[0] in VERBS, f"{name}: does not begin with a verb of VERBS"
        assert re.fullmatch("[a-z]+([A-Z][a-z0-9]*)*", name), name
        assert len(name) <= 45, f"{name}: too long; give it a name in NAMES"


def test_every_operation_has_a_description_and_its_role(schema: dict[str, Any]) -> None:
    for path, method, one in operations(schema):
        *written, credentials = one["description"].split("\n\n")
        assert written, f"{method} {path}: give the operation a description"
        assert credentials.startswith("Needs "), (method, path)
        assert one["summary"] not in written, (method, path)


def test_no_docstring_is_in_the_document(schema: dict[str, Any]) -> None:
    parts = schema["components"]["schemas"]
    texts = [one["description"] for _, _, one in operations(schema)]

    assert [name for name, part in parts.items() if "description" in part] == ["ErrorCode"]
    for text in texts:
        for word in ("kwargs", "queryset", "serializer", "mypy", "TODO", "Raises"):
            assert word not in text, text


def test_the_headers_of_answers_are_documented(schema: dict[str, Any]) -> None:
    for path, method, one in operations(schema):
        answers = one["responses"]
        assert "WWW-Authenticate" in answers["401"]["headers"], (method, path)
        assert "Retry-After" in answers["429"]["headers"], (method, path)
        limit = {"RateLimit", "RateLimit-Policy"}
        if path not in ("/health", "/health/ready", "/metrics"):
            assert limit <= set(answers["429"]["headers"]) & set(answers[min(answers)]["headers"]), path
        assert "Retry-After" in answers["503"]["headers"], (method, path)
        success = min(answers)
        headers = answers[success].get("headers", {})
        assert ("Idempotent-Replayed" in headers) == (method != "get"), (method, path)
        if "304" in answers:
            assert "ETag" in headers, (method, path)
        if success == "201":
            assert ("Location" in headers) == (path not in WITHOUT_LOCATION), (method, path)


def test_the_document_is_served_as_json(viewer: Caller) -> None:
    response = viewer.client.get(
        "/api/schema/?format=yaml&version=%0a", headers={"Authorization": f"Api-Key {viewer.key}"}
    )

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json()["openapi"].startswith("3.")


def test_swagger_ui_loads_nothing_from_elsewhere(viewer: Caller) -> None:
    response = viewer.get("/api/docs/")
    page = response.content.decode()
    script = viewer.get("/api/docs/?script=").content.decode()

    sources = re.findall(r"""(?:src|href)="([^"]*)\"""", page)
    assert sources
    assert all(source.startswith("/") for source in sources), sources
    assert "script-src 'self';" in response["Content-Security-Policy"]
    assert "/api/schema/" in script
    for source in sources:
        if source.startswith("/static/"):
            assert files.requested(source.removeprefix("/static/")), source


def test_metrics_are_prometheus_text(viewer: Caller, garage: Any) -> None:
    response = viewer.get("/metrics")

    assert response["Content-Type"].startswith("text/plain")
    text = response.content.decode()
    assert "ocpp_stations_known 1.0" in text
    assert "ocpp_stations_connected 0.0" in text
    assert "ocpp_transactions_active 0.0" in text
