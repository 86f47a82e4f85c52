"""JSON inside of a text, at and beside its bounds, and the reasons for a text that can't be read."""

from __future__ import annotations

import re

import pytest

from ocpp_server.protocol import inner_json
from ocpp_server.protocol.inner_json import Unreadable


@pytest.mark.parametrize(
    ("text", "most", "reason"),
    [
        ("[1234]", 5, "longer than 5 characters"),
        ('"' + "x" * 1234 + '"', 1235, "longer than 1,235 characters"),
        ("[" * 33 + "]" * 33, 100, "nested deeper than 32 levels, or brackets do not match"),
        ('{"a":' * 33 + "1" + "}" * 33, 1000, "nested deeper than 32 levels, or brackets do not match"),
        ("[" * 40, 100, "nested deeper than 32 levels, or brackets do not match"),
        ("word", 100, "no valid JSON: "),
    ],
)
def test_the_reason_is_said(text: str, most: int, reason: str) -> None:
    with pytest.raises(Unreadable, match="^" + re.escape(reason)) as caught:
        inner_json.read(text, most_characters=most)

    assert caught.value.is_too_large is reason.startswith("longer")
    assert caught.value.__cause__ is None


def test_the_usual_bound_is_64_ki_characters() -> None:
    assert inner_json.read('"' + "x" * (65_536 - 2) + '"')
    with pytest.raises(Unreadable, match="longer than 65,536 characters"):
        inner_json.read(" " * 65_537)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[12]", [12]),
        ("[[]," * 20 + "[]" + "]" * 20, None),
        ("[" + "{}," * 40 + "{}]", [{}] * 41),
        ('{"a":[' * 16 + "]}" * 16, None),
    ],
)
def test_many_brackets_are_not_many_levels(text: str, value: object) -> None:
    found = inner_json.read(text, most_characters=len(text))

    assert found == (found if value is None else value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"\\u0000"', "\ufffd"),
        ('"\\udc00\\ud800"', "\ufffd\ufffd"),
        ('"\\\\u0000"', "\\u0000"),
        ('"\\u0041"', "A"),
        ('{"\\u0000": 1}', {"\ufffd": 1}),
    ],
)
def test_escapes_that_no_database_stores_are_replaced(text: str, value: object) -> None:
    assert inner_json.read(text) == value


def test_other_text_is_written_without_escapes() -> None:
    assert inner_json.write({"\u00fc": [None, 1.5]}) == '{"\u00fc":[null,1.5]}'
    assert inner_json.write("") == ""
