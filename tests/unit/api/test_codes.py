"""The refusals in the OpenAPI document: the fields and the possible codes of each status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.views import APIView

from ocpp_server.api import codes
from ocpp_server.error_codes import ALIASES, STATION_CODES, Code, possible
from tests.unit.api import generated

COMMAND = {"requestId": "string", "clientId": "string", "action": "string", "status": "string"}


def schema(*statuses: int) -> dict[str, Any]:
    """The document of one endpoint that is refused with these statuses."""

    @extend_schema(responses={status: codes.problem(status) for status in statuses})
    def get(view: Any, request: Any) -> None:
        """Nothing: only its description is used."""

    view = type("PlaceView", (APIView,), {"get": get})
    return generated.document([path("api/v1/places", view.as_view())])


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (400, {}),
        (404, {}),
        (408, COMMAND),
        (409, {"status": "string", "reason": "string"}),
        (502, {**COMMAND, "errorCode": "string", "description": "string", "details": "", "response": ""}),
        (503, COMMAND),
    ],
)
def test_a_refusal_has_the_fields_of_its_status(status: int, more: dict[str, str]) -> None:
    made = schema(status)
    found = made["components"]["schemas"]
    data = found[f"Problem{status}Data"]["properties"]

    problem = found[f"Problem{status}"]["properties"]
    assert {name: generated.kind(field) for name, field in problem.items()} == {
        "success": "boolean",
        "message": "string",
        "data": f"Problem{status}Data",
    }
    assert problem["success"]["description"] == "Always false."
    assert problem["message"]["description"] == "A sentence for people."
    assert {name: field.get("type", "") for name, field in data.items() if name in more} == more
    assert set(data) == {"code", "param", "errors", *more}
    assert all(data[name]["description"] for name in {"param", *more})


def test_only_the_code_of_a_refusal_is_always_there() -> None:
    found = schema(502, 409)["components"]["schemas"]

    assert found["Problem502Data"]["required"] == found["Problem409Data"]["required"] == ["code"]


def test_a_wrong_field_is_named_with_its_reason() -> None:
    found = schema(400)["components"]["schemas"]

    assert found["Problem400Data"]["properties"]["errors"]["type"] == "array"
    assert generated.kind(found["Problem400Data"]["properties"]["errors"]) == "FieldErrors[]"
    assert set(found["FieldErrors"]["properties"]) == {"field", "reason"}


def test_the_code_of_a_refusal_is_one_of_its_status() -> None:
    found = schema(403, 404)["components"]["schemas"]

    for status, words in ((403, ["permission-denied", "csrf-failed"]), (404, possible(404))):
        code = found[f"Problem{status}Data"]["properties"]["code"]
        assert code["allOf"] == [{"$ref": "#/components/schemas/ErrorCode"}]
        assert code["enum"] == words
        assert code["description"] == "One of " + ", ".join(f"`{word}`" for word in words) + "."


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
        table = text.partition(f"{heading}\n")[2].partition("\n## ")[0].splitlines()
        assert table[:3] == ["", "| code | |", "|---|---|"]
        rows = [line for line in table[3:] if line]
        assert rows == [f"| `{code.value}` | {code.sentence} |" for code in Code if status in code.statuses]


def test_the_page_begins_with_the_form_of_an_answer_and_ends_with_the_aliases() -> None:
    text = codes.page()

    assert text.startswith("# Error codes\n\nEvery answer of the API is ")
    words = ", ".join(f"`{word}`" for word in ALIASES if word != "QueueFull")
    assert f"\n{words}\n" in text
    assert "{words}" not in text
    assert text.endswith("means `queue-full`.\n")
