"""The refusals in the OpenAPI document: the fields and the possible codes of each status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.urls import path
from drf_spectacular.drainage import get_override
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.views import APIView

from ocpp_server.api import codes
from ocpp_server.error_codes import ALIASES, STATION_CODES, Code, possible
from tests.unit.api import generated

COMMAND = {"requestId", "clientId", "action", "status"}


def problem(status: int) -> dict[str, Any]:
    """The fields of a new refusal with this status, and not of one that an earlier test made."""
    codes.problem.cache_clear()
    return dict(codes.problem(status).fields)


def data(status: int) -> dict[str, Any]:
    return dict(problem(status)["data"].fields)


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (400, set()),
        (404, set()),
        (408, COMMAND),
        (409, {"status", "reason"}),
        (502, {*COMMAND, "errorCode", "description", "details", "response"}),
        (503, COMMAND),
    ],
)
def test_a_refusal_has_the_fields_of_its_status(status: int, more: set[str]) -> None:
    fields = problem(status)

    assert set(fields) == {"success", "message", "data"}
    assert fields["success"].help_text == "Always false."
    assert fields["message"].help_text == "A sentence for people."
    assert set(data(status)) == {"code", "param", "errors", *more}
    assert all(data(status)[name].help_text for name in {"param", *more})


@pytest.mark.parametrize("status", [400, 409, 502, 503])
def test_only_the_code_of_a_refusal_is_always_there(status: int) -> None:
    assert [name for name, field in data(status).items() if field.required] == ["code"]


def test_each_wrong_field_is_named_with_its_reason() -> None:
    errors = data(400)["errors"]

    assert isinstance(errors, serializers.ListSerializer)
    assert set(errors.child.fields) == {"field", "reason"}


def test_details_of_a_station_are_any_json_and_the_rest_is_text() -> None:
    json = {name for name, field in data(502).items() if isinstance(field, serializers.JSONField)}

    assert json == {"details", "response"}
    assert isinstance(problem(502)["success"], serializers.BooleanField)


@pytest.mark.parametrize(
    ("status", "words"), [(403, ["permission-denied", "csrf-failed"]), (404, possible(404))]
)
def test_the_code_of_a_refusal_is_one_of_its_status(status: int, words: list[str]) -> None:
    code = data(status)["code"]
    sentence = "One of " + ", ".join(f"`{word}`" for word in words) + "."

    assert get_override(code, "field") == {
        "allOf": [{"$ref": "#/components/schemas/ErrorCode"}],
        "enum": words,
        "description": sentence,
    }
    assert code.help_text == sentence


def test_the_document_has_a_component_for_each_refusal() -> None:
    @extend_schema(responses={status: codes.problem(status) for status in (403, 409)})
    def get(view: Any, request: Any) -> None:
        """Nothing: only its description is used."""

    view = type("PlaceView", (APIView,), {"get": get})
    found = generated.fields(generated.document([path("api/v1/places", view.as_view())]))

    assert found["Problem403"] == {"success": "boolean", "message": "string", "data": "Problem403Data"}
    assert found["Problem403Data"] == {"code": "ErrorCode", "param": "string", "errors": "FieldErrors[]"}
    assert found["Problem409"]["data"] == "Problem409Data"


def test_the_component_of_the_codes_explains_each_of_them() -> None:
    found = codes.error_code_schema()

    assert found["type"] == "string"
    assert found["enum"] == [*Code, *STATION_CODES]
    lines = found["description"].splitlines()
    assert lines[:2] == ["The code of a refusal.", ""]
    assert lines[2:-1] == [f"* `{code.value}`: {code.sentence}" for code in Code]
    assert lines[-1].startswith("* `FormatViolation`, `FormationViolation`, ")
    assert lines[-1].endswith("`TypeConstraintViolation`: aliases of `station-error`.")


def test_the_page_has_a_table_of_codes_for_each_status() -> None:
    text = codes.page()
    headings = [line for line in text.splitlines() if line.startswith("## ") and line[3].isdigit()]

    statuses = sorted({status for code in Code for status in code.statuses})
    assert headings == [f"## {status} {HTTPStatus(status).phrase}" for status in statuses]
    for heading, status in zip(headings, statuses, strict=True):
        table = text.partition(f"{heading}\n")[2].partition("\n\n## ")[0].splitlines()
        assert table[:3] == ["", "| code | |", "|---|---|"]
        assert table[3:] == [
            f"| `{code.value}` | {code.sentence} |" for code in Code if status in code.statuses
        ]


def test_the_page_begins_with_the_form_of_an_answer_and_ends_with_the_aliases() -> None:
    text = codes.page()

    assert text.startswith("# Error codes\n\nEvery answer of the API is ")
    words = ", ".join(f"`{word}`" for word in ALIASES if word != "QueueFull")
    assert f"\n{words}\n" in text
    assert "{words}" not in text
    assert text.endswith("means `queue-full`.\n")
