"""The envelope, and the parser of bodies: RFC 8259, no deeper than messages of stations, no U+0000."""

from __future__ import annotations

import io
from collections import deque
from types import MappingProxyType
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ParseError
from rest_framework.utils.serializer_helpers import ReturnDict, ReturnList

from ocpp_server.api.envelope import (
    AlwaysJson,
    JsonParser,
    JsonRenderer,
    answer,
    has_nul,
    is_deeper,
    refusal,
    shape,
)
from ocpp_server.error_codes import Code
from ocpp_server.protocol.frames import MAX_DEPTH


def nested(depth: int, inner: Any = 1) -> Any:
    value = inner
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_an_answer_is_a_success_with_data() -> None:
    response = answer("Done.", {"a": 1}, headers={"X-A": "b"})

    assert response.data == {"success": True, "message": "Done.", "data": {"a": 1}}
    assert (response.status_code, response["X-A"]) == (200, "b")
    assert shape("Done.") == {"success": True, "message": "Done.", "data": {}}
    assert answer("Made.", status=201).status_code == 201


@pytest.mark.parametrize(("status", "code"), [(399, None), (400, "validation-failed"), (404, "not-found")])
def test_an_answer_from_400_has_a_code(status: int, code: str | None) -> None:
    data = answer("No.", {"a": 1}, success=False, status=status).data["data"]

    assert (data.get("code"), data["a"]) == (code, 1)
    assert answer("No.", {"code": "own"}, status=status).data["data"]["code"] == "own"


def test_a_refusal_names_its_code_and_parameter() -> None:
    named = refusal("No.", 409, {"a": 1}, code=Code.DUPLICATE, param="name", headers={"X-A": "b"})
    plain = refusal("No.", 404)

    assert named.data == {
        "success": False,
        "message": "No.",
        "data": {"code": "duplicate", "param": "name", "a": 1},
    }
    assert (named.status_code, named["X-A"]) == (409, "b")
    assert plain.data["data"] == {"code": "not-found"}


def test_answers_are_rendered_as_json() -> None:
    data = {
        "lazy": gettext_lazy("Reset"),
        "rows": ReturnList([ReturnDict({"a": 1}, serializer=None)], serializer=None),
        5: "number",
    }

    assert JsonRenderer().render(data) == b'{"lazy":"Reset","rows":[{"a":1}],"5":"number"}'
    assert JsonRenderer().render(None) == b""


def test_other_kinds_of_mappings_and_sequences_are_objects_and_arrays() -> None:
    data = {"mapping": MappingProxyType({"a": 1}), "sequence": deque([1, "b"])}

    assert JsonRenderer().render(data) == b'{"mapping":{"a":1},"sequence":[1,"b"]}'


def parsed(raw: bytes) -> Any:
    return JsonParser().parse(io.BytesIO(raw))


@pytest.mark.parametrize(("raw", "value"), [(b"", {}), (b'{"a":[1,null]}', {"a": [1, None]}), (b"5", 5)])
def test_a_body_is_json_and_an_empty_one_an_empty_object(raw: bytes, value: Any) -> None:
    assert parsed(raw) == value


@pytest.mark.parametrize("raw", [b"{", b"NaN", rb'"\ud800"', b"{'a': 1}", b"\xff"])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ParseError, match="not valid JSON"):
        parsed(raw)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_body_is_nested_as_deep_as_a_message_may_be(opening: bytes, closing: bytes) -> None:
    parsed(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH)

    with pytest.raises(ParseError, match="nested deeper"):
        parsed(opening * (MAX_DEPTH + 1) + b"1" + closing * (MAX_DEPTH + 1))


def test_many_brackets_beside_each_other_are_not_deep() -> None:
    assert len(parsed(b"[" + b"[1]," * MAX_DEPTH + b"{}]")) == MAX_DEPTH + 1


@pytest.mark.parametrize(
    ("value", "limit", "is_deep"),
    [
        (1, 0, False),
        ([], 0, True),
        ([], 1, False),
        ({}, 1, False),
        ([1, "a", {}], 1, True),
        ({"a": 1, "b": [1]}, 1, True),
        ({"a": 1, "b": [1]}, 2, False),
        (nested(5), 4, True),
        (nested(5), 5, False),
        (nested(5), 50, False),
    ],
)
def test_the_depth_of_lists_and_objects(value: Any, limit: int, is_deep: bool) -> None:
    assert is_deeper(value, limit) is is_deep


@pytest.mark.parametrize("value", ["a\0", ["a", "\0"], {"a": {"b": "\0"}}, {"\0": 1}])
def test_the_character_that_can_not_be_stored_is_refused(value: Any) -> None:
    assert has_nul(value)
    assert not has_nul(["a", {"b": 0}, None])

    with pytest.raises(ParseError, match="U\\+0000"):
        parsed(JsonRenderer().render(value))


def test_the_escaped_name_of_that_character_is_harmless() -> None:
    assert parsed(rb'"\\u0000"') == "\\u0000"


@pytest.mark.parametrize(
    ("kind", "is_read"),
    [
        ("", True),
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        (" application/json ;", True),
        ("application/merge-patch+json", True),
        ("text/plain", False),
        ("application/jsonp", False),
        ("multipart/form-data", False),
    ],
)
def test_a_body_of_another_type_has_no_parser(kind: str, is_read: bool) -> None:
    request = RequestFactory().post("/", b"{}", content_type="x")
    request.content_type = kind
    parser = JsonParser()

    assert AlwaysJson().select_parser(request, [parser]) is (parser if is_read else None)


def test_every_caller_gets_json() -> None:
    renderer = JsonRenderer()

    assert AlwaysJson().select_renderer(None, [renderer]) == (renderer, "application/json")
