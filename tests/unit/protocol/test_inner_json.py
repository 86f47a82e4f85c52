"""JSON inside of a text: its bounds, and its way back into a text."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol import inner_json
from ocpp_server.protocol.inner_json import MOST_CHARACTERS, Unreadable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ('"text"', "text"),
        (" 7 ", 7),
        ('"a\\u0000b\\ud800"', "a\ufffdb\ufffd"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ("[" * 32 + "]" * 32, None),
        ('"' + "[" * 100 + '"', "[" * 100),
        ('"' + "x" * (MOST_CHARACTERS - 2) + '"', "x" * (MOST_CHARACTERS - 2)),
    ],
)
def test_json_within_the_bounds_is_read(text: str, value: Any) -> None:
    found = inner_json.read(text)

    assert value is None or found == value


@pytest.mark.parametrize(
    ("text", "is_too_large"),
    [
        ("", False),
        ("word", False),
        ('{"a": 1', False),
        ("{'a': 1}", False),
        ("NaN", False),
        ("1e400", False),
        ("[" * 33 + "]" * 33, False),
        ("[" * 40_000, False),
        ('"' + "x" * (MOST_CHARACTERS - 1) + '"', True),
    ],
)
def test_other_texts_are_unreadable(text: str, is_too_large: bool) -> None:
    with pytest.raises(Unreadable) as caught:
        inner_json.read(text)

    assert caught.value.is_too_large == is_too_large
    assert 0 < len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("value", "text"), [("word", "word"), ({"a": [1]}, '{"a":[1]}'), (None, "null"), (7, "7"), (True, "true")]
)
def test_a_value_is_written_as_json_and_a_text_as_it_is(value: Any, text: str) -> None:
    assert inner_json.write(value) == text
