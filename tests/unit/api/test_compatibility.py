"""Changes of the OpenAPI document that break clients, and others."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ocpp_server.api.compatibility import added, breaking

WAS: dict[str, Any] = {
    "paths": {
        "/sites": {
            "get": {
                "operationId": "listSites",
                "security": [{}],
                "parameters": [
                    {
                        "in": "query",
                        "name": "q",
                        "schema": {"type": "string", "maxLength": 9, "minLength": 0},
                    },
                    {"in": "query", "name": "sort", "schema": {"type": "string", "enum": ["a", "b"]}},
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Site"}}},
                    },
                    "404": {"content": {}},
                },
            },
            "post": {
                "operationId": "createSite",
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/SiteRequest"}}}
                },
                "responses": {"201": {}},
            },
        }
    },
    "components": {
        "schemas": {
            "Site": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": {"type": "integer"},
                    "name": {"type": "string"},
                    "kind": {"allOf": [{"$ref": "#/components/schemas/Kind"}]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Site"}},
                },
            },
            "Kind": {"type": "string", "enum": ["public", "private"]},
            "SiteRequest": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "nullable": True},
                    "seats": {"type": "integer", "minimum": 0},
                    "kind": {"$ref": "#/components/schemas/Kind"},
                },
            },
        }
    },
}
GET, POST = "GET /sites", "POST /sites"
Change = Callable[[dict[str, Any]], Any]


def get(document: dict[str, Any]) -> Any:
    return document["paths"]["/sites"]["get"]


def post(document: dict[str, Any]) -> Any:
    return document["paths"]["/sites"]["post"]


def part(document: dict[str, Any], name: str) -> Any:
    return document["components"]["schemas"][name]


def changed(change: Change) -> dict[str, Any]:
    now = copy.deepcopy(WAS)
    change(now)
    return now


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (lambda d: d["paths"]["/sites"].pop("get"), [f"{GET}: the operation is gone"]),
        (
            lambda d: get(d).update(operationId="getSites"),
            [f"{GET}: operationId was listSites, is getSites"],
        ),
        (lambda d: get(d).update(security=[{"key": []}]), [f"{GET}: needs credentials now"]),
        (lambda d: get(d)["parameters"].pop(0), [f"{GET}: query parameter q is gone"]),
        (
            lambda d: get(d)["parameters"][0].update(required=True),
            [f"{GET}: query parameter q has become required"],
        ),
        (
            lambda d: get(d)["parameters"].append({"in": "query", "name": "new", "required": True}),
            [f"{GET}: query parameter new has become required"],
        ),
        (
            lambda d: get(d)["parameters"][0]["schema"].update(maxLength=5),
            [f"{GET}: query parameter q: maxLength was 9, is 5"],
        ),
        (
            lambda d: get(d)["parameters"][0]["schema"].update(minLength=1),
            [f"{GET}: query parameter q: minLength was 0, is 1"],
        ),
        (
            lambda d: get(d)["parameters"][0]["schema"].update(pattern="^a"),
            [f"{GET}: query parameter q: pattern was None, is ^a"],
        ),
        (
            lambda d: get(d)["parameters"][0]["schema"].update(enum=["x"]),
            [f"{GET}: query parameter q: only x now"],
        ),
        (
            lambda d: get(d)["parameters"][1]["schema"].update(enum=["b", "c"]),
            [f"{GET}: query parameter sort: the value a is refused now"],
        ),
        (lambda d: get(d)["responses"].pop("200"), [f"{GET}: answer 200 is gone"]),
        (
            lambda d: get(d)["responses"]["200"].pop("headers"),
            [f"{GET}: header ETag of answer 200 is gone"],
        ),
        (
            lambda d: get(d)["responses"]["200"].update(content={"text/csv": {}}),
            [f"{GET}: answer 200 of type application/json is gone"],
        ),
        (lambda d: part(d, "Site")["properties"].pop("kind"), [f"{GET}: answer 200.kind is gone"]),
        (
            lambda d: part(d, "Site")["required"].remove("name"),
            [f"{GET}: answer 200.name may be missing now"],
        ),
        (
            lambda d: part(d, "Site")["properties"]["id"].update(type="string"),
            [f"{GET}: answer 200.id: type was integer, is string"],
        ),
        (
            lambda d: part(d, "Site")["properties"]["id"].update(nullable=True),
            [f"{GET}: answer 200.id: null is possible now"],
        ),
        (
            lambda d: part(d, "Site")["properties"]["name"].update(format="uuid"),
            [f"{GET}: answer 200.name: format was None, is uuid"],
        ),
        (lambda d: post(d).pop("requestBody"), [f"{POST}: the body is gone"]),
        (lambda d: post(d)["requestBody"].update(required=True), [f"{POST}: the body has become required"]),
        (
            lambda d: post(d)["requestBody"].update(content={"text/csv": {}}),
            [f"{POST}: body of type application/json is gone"],
        ),
        (
            lambda d: part(d, "SiteRequest")["required"].append("seats"),
            [f"{POST}: body.seats has become required"],
        ),
        (lambda d: part(d, "SiteRequest")["properties"].pop("seats"), [f"{POST}: body.seats is gone"]),
        (
            lambda d: part(d, "SiteRequest")["properties"]["seats"].update(minimum=1),
            [f"{POST}: body.seats: minimum was 0, is 1"],
        ),
        (
            lambda d: part(d, "SiteRequest")["properties"]["name"].pop("nullable"),
            [f"{POST}: body.name: null is refused now"],
        ),
        (
            lambda d: part(d, "Kind")["enum"].remove("private"),
            [f"{POST}: body.kind: the value private is refused now"],
        ),
    ],
)
def test_a_change_that_breaks_clients_is_named(change: Change, lines: list[str]) -> None:
    assert breaking(WAS, changed(change)) == lines


@pytest.mark.parametrize(
    "change",
    [
        lambda d: None,
        lambda d: d["paths"].update({"/places": {"get": {"operationId": "listPlaces", "responses": {}}}}),
        lambda d: get(d)["parameters"].append({"in": "query", "name": "new"}),
        lambda d: get(d)["parameters"][0]["schema"].update(maxLength=20),
        lambda d: get(d)["parameters"][1]["schema"]["enum"].append("c"),
        lambda d: get(d)["responses"].pop("404"),
        lambda d: part(d, "Site")["properties"].update(more={"type": "string"}),
        lambda d: part(d, "Site")["required"].append("kind"),
        lambda d: part(d, "Kind")["enum"].append("shared"),
        lambda d: part(d, "SiteRequest")["properties"].update(more={"type": "string"}),
        lambda d: part(d, "SiteRequest")["required"].remove("name"),
        lambda d: part(d, "SiteRequest")["properties"]["seats"].pop("minimum"),
        lambda d: part(d, "SiteRequest")["properties"]["seats"].update(nullable=True),
    ],
)
def test_a_change_that_clients_do_not_notice_is_none(change: Change) -> None:
    assert breaking(WAS, changed(change)) == []


def test_new_operations_are_named() -> None:
    now = changed(lambda d: d["paths"].update({"/places": {"get": {"responses": {}}}}))

    assert added(WAS, now) == ["GET /places"]
    assert added(WAS, WAS) == []
