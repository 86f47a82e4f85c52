"""The OpenAPI document describes the request of each type of event, and what each operation needs."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.api import webhook_documents
from ocpp_server.api.pages import document
from ocpp_server.events import catalogue


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return document()


def test_every_type_of_event_is_a_webhook(schema: dict[str, Any]) -> None:
    assert list(schema[webhook_documents.KEY]) == sorted(catalogue.EVENTS)


@pytest.mark.parametrize("name", sorted(catalogue.EVENTS))
def test_a_webhook_has_the_envelope_with_the_data_of_its_type(schema: dict[str, Any], name: str) -> None:
    each, request = catalogue.EVENTS[name], schema[webhook_documents.KEY][name]["post"]
    content = request["requestBody"]["content"]["application/json"]
    envelope, special = content["schema"]["allOf"]

    event = schema["components"]["schemas"][envelope["$ref"].rsplit("/", 1)[-1]]
    assert set(content["example"]) == set(event["properties"])
    assert special["properties"]["type"]["enum"] == [name]
    assert set(special["properties"]["data"]["properties"]) >= each.names
    assert request["description"].startswith(each.sentence)
    assert ("EVENT_TYPES" in request["description"]) == each.is_starred
    for parameter in request["parameters"]:
        assert schema["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[-1]]["in"] == "header"
    assert set(request["responses"]) == {"2XX", "4XX", "5XX"}


def test_every_description_ends_with_what_the_caller_needs(schema: dict[str, Any]) -> None:
    def needs(path: str, method: str) -> str:
        return str(schema["paths"][path][method]["description"]).rsplit("\n\n", 1)[-1]

    made = needs("/api/v1/sites", "post")
    assert made == "Needs the role operator, and of a key with scopes `sites:write`."
    assert needs("/api/v1/users/{user_id}/erase", "post") == (
        "Needs the role administrator, and of a key with scopes `users:write`. "
        "Callers that are limited to sites are refused."
    )
    assert needs("/health", "get") == "Needs no credentials."
    for path, item in schema["paths"].items():
        for method, one in item.items():
            scope = one.get("x-scope", "")
            assert not scope or f"`{scope}`" in needs(path, method), (path, method)
