"""Examples of the OpenAPI document: which recorded exchange an operation gets, and how it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.api import examples
from ocpp_server.api.examples import of_operations, readable, with_examples

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/api/v1/sites": {"get": {"operationId": "listSites"}, "post": {"operationId": "createSite"}},
        "/api/v1/sites/{site_id}": {"get": {"operationId": "getSite"}},
        "/api/v1/sites/export": {"get": {"operationId": "exportSites"}},
        "/metrics": {"get": {"operationId": "getMetrics"}},
    }
}


def exchange(method: str, path: str, data: Any = None, *, status: int = 200, **more: Any) -> dict[str, Any]:
    answer = {"success": more.pop("success", True), "message": "2 of 3 sites.", "data": data or {}}
    return {"method": method, "path": path, "status": status, "answer": answer, **more}


def chosen(*exchanges: dict[str, Any]) -> dict[str, Any]:
    return of_operations(DOCUMENT, exchanges)


def test_an_operation_gets_the_exchange_of_its_method_and_path() -> None:
    found = chosen(
        exchange("POST", "/api/v1/sites", {"id": 1}, status=201, body={"name": "A"}),
        exchange("GET", "/api/v1/sites/1?fields=id", {"id": 1}),
        exchange("GET", "/api/v1/places/1", {"id": 9}),
    )

    assert found["createSite"]["status"] == 201
    assert found["createSite"]["body"] == {"name": "A"}
    assert found["getSite"]["answer"]["data"] == {"id": 1}
    assert set(found) == {"createSite", "getSite", "getMetrics"}


def test_a_path_without_parameters_wins() -> None:
    assert set(chosen(exchange("GET", "/api/v1/sites/export"))) == {"exportSites", "getMetrics"}


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (exchange("GET", "/api/v1/sites", {"sites": []}), exchange("GET", "/api/v1/sites", {"sites": [{}]})),
        (exchange("GET", "/api/v1/sites", status=202), exchange("GET", "/api/v1/sites")),
        (exchange("GET", "/api/v1/sites", success=False), exchange("GET", "/api/v1/sites")),
        (exchange("POST", "/api/v1/sites"), exchange("POST", "/api/v1/sites", body={"name": "B"})),
    ],
)
def test_the_exchange_that_shows_more_wins(worse: dict[str, Any], better: dict[str, Any]) -> None:
    name = {"GET": "listSites", "POST": "createSite"}[better["method"]]

    first, second = chosen(worse, better)[name], chosen(better, worse)[name]

    assert first == second
    assert first["status"] == better["status"]
    assert first["answer"]["data"] == better["answer"]["data"]


def test_a_refusal_and_a_binary_file_are_no_examples() -> None:
    binary = {**exchange("GET", "/api/v1/sites/export"), "answer": "<binary>"}

    assert set(chosen(exchange("GET", "/api/v1/sites", status=404), binary)) == {"getMetrics"}


def test_a_long_list_is_cut_and_its_number_follows() -> None:
    rows = [{"id": number} for number in range(3)]

    answer = chosen(exchange("GET", "/api/v1/sites", {"sites": rows, "count": 3, "total": 3}))["listSites"][
        "answer"
    ]

    assert answer["data"] == {"sites": rows[:2], "count": 2, "total": 3}
    assert answer["message"] == "2 of 3 sites."


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<number>", 4711),
        ("<time>", "2026-11-28T10:00:00Z"),
        ("At <time>.", "At 2026-11-28T10:00:00Z."),
        ("Swap <number>", "Swap 4711"),
        ({"id": ["<uuid>"] * 3}, {"id": ["7d5f0f5e-3c0a-4c3b-9a53-1f6a2f1f0c11"] * 2}),
        (None, None),
        (7, 7),
    ],
)
def test_placeholders_become_values_and_lists_short(value: Any, shown: Any) -> None:
    assert readable(value) == shown


def test_a_long_text_is_cut_in_the_middle() -> None:
    shown = readable("begin" + "x" * 1000 + "end")

    assert len(shown) < 400
    assert shown.startswith("begin") and "..." in shown and shown.endswith("end")


def test_the_document_gets_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {"createSite": {"status": 201, "body": {"name": "A"}, "answer": {"success": True}}}
    monkeypatch.setattr(examples, "stored", lambda: stored)
    content: dict[str, Any] = {"application/json": {}}
    post = {
        "operationId": "createSite",
        "requestBody": {"content": {"application/json": {}, "text/csv": {}}},
        "responses": {"201": {"content": content}},
    }

    with_examples({"paths": {"/sites": {"post": post, "get": {"operationId": "listSites"}}}})

    assert content["application/json"]["example"] == {"success": True}
    assert post["requestBody"] == {
        "content": {"application/json": {"example": {"name": "A"}}, "text/csv": {}}
    }
