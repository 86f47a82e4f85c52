"""Texts that are not valid JSON: their first elements, their control characters, and their readable start."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_server.protocol.broken_text import MAX_DEPTH, beginning, front, without_control_characters

# --- the first elements


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ('[2,"7","Heartbeat",{', (2, "7", "Heartbeat")),
        ('[2,"7","Heartbeat', (2, "7", "")),
        ('[3,"7"', (3, "7", "")),
        ("[3,7,", (3, 7, "")),
        ("[3,-7]", (3, -7, "")),
        ("[3,7", None),
        ("[3,7.5,", None),
        ('[-3,"7"', (-3, "7", "")),
        ('\ufeff \x00[\n2 , "7" , "Heartbeat"', (2, "7", "Heartbeat")),
        ('[2,"a\\u0000b\\ud800"', (2, "a\ufffdb\ufffd", "")),
        ('[2,"a\nb"', (2, "a\nb", "")),
        ('[2,"\\"7"', (2, '"7', "")),
        ('[2,"\\x"', (2, None, "")),
        (f'[2,"{"x" * 255}"', (2, "x" * 255, "")),
        (f'[2,"{"x" * 256}"', None),
        (f'[2,"7","{"A" * 64}"', (2, "7", "A" * 64)),
        (f'[2,"7","{"A" * 65}"', (2, "7", "")),
        ('[2,"7","Heart beat"', (2, "7", "")),
        ('["2","7"', None),
        ('{"2":"7"', None),
        ("", None),
    ],
)
def test_the_first_elements_of_a_broken_frame(text: str, elements: tuple[Any, ...] | None) -> None:
    assert front(text) == elements


# --- control characters


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ('["a"]', '["a"]'),
        ('["a\nb\x1f"]', '["a\\u000ab\\u001f"]'),
        ('["\x00"]', '["\\ufffd"]'),
        ('["a b"]', '["a b"]'),
        ("[\x00\x01\x0b1]", "[ 1]"),
        ("[\n\t\r1]", "[\n\t\r1]"),
        ('["\\"\n"]\x00', '["\\"\\u000a"] '),
        ('["a\n', '["a\\u000a'),
    ],
)
def test_control_characters_are_escaped_in_texts_and_left_out_elsewhere(text: str, allowed: str) -> None:
    assert without_control_characters(text) == allowed


# --- the values before the fault


def read(text: str) -> tuple[str, int, int, bool]:
    """The values as compact JSON, their end, how many lists and objects are open, and whether it is exact."""
    found = beginning(text)
    return orjson.dumps(found.value).decode(), found.end, len(found.open), found.is_exact


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1.10,"b":[true,false,null,"x",-2e3]}', '{"a":1.10,"b":[true,false,null,"x",-2e3]}'),
        ('{"a":{"b":{}},"c":[[],[{"d":1}]],"e":2}', '{"a":{"b":{}},"c":[[],[{"d":1}]],"e":2}'),
        ("[]", "[]"),
        ("{}", "{}"),
        ('"x"', '"x"'),
        ("5", "5"),
        ("\ufeff\x00 [ 1 ,\n2 ]", "[1,2]"),
        ('["a\\"b","\\u0000","a\nb"]', '["a\\"b","\ufffd","a\\nb"]'),
    ],
)
def test_a_whole_text_is_read_as_it_was_written(text: str, value: str) -> None:
    assert read(text) == (value, len(text), 0, True)


@pytest.mark.parametrize(
    ("text", "value", "is_read", "is_open"),
    [
        ('{"a":{"b":[1,2', '{"a":{"b":[1,2]}}', '{"a":{"b":[1,2', 3),
        ('[1,"abc', "[1]", "[1,", 1),
        ('{"a":1,"b', '{"a":1}', '{"a":1,', 1),
        ('{"a":1,"b"', '{"a":1}', '{"a":1,"b"', 1),
        ('[{"a":1},{"b":2', '[{"a":1},{"b":2}]', '[{"a":1},{"b":2', 2),
        ("[1] x", "[1]", "[1]", 0),
        ("[1][2]", "[1]", "[1]", 0),
        ("", "null", "", 0),
        ("x", "null", "", 0),
        ("]", "null", "", 0),
        ("}", "null", "", 0),
        (",", "null", "", 0),
        (":", "null", "", 0),
        ("[,", "[]", "[", 1),
        ("[:", "[]", "[", 1),
        ("[}", "[]", "[", 1),
        ("{]", "{}", "{", 1),
        ("{,", "{}", "{", 1),
        ("{1", "{}", "{", 1),
        ("{[", "{}", "{", 1),
        ("{true", "{}", "{", 1),
        ("[1 2", "[1]", "[1", 1),
        ('[1"a"', "[1]", "[1", 1),
        ("[1[", "[1]", "[1", 1),
        ("[1:", "[1]", "[1", 1),
        ("[1,]", "[1]", "[1,", 1),
        ("[1,,", "[1]", "[1,", 1),
        ("[1}", "[1]", "[1", 1),
        ('{"a" 1', "{}", '{"a"', 1),
        ('{"a","b"', "{}", '{"a"', 1),
        ('{"a"}', "{}", '{"a"', 1),
        ('{"a"::', "{}", '{"a":', 1),
        ('{"a":}', "{}", '{"a":', 1),
        ('{"a":,', "{}", '{"a":', 1),
        ('{"a":1,}', '{"a":1}', '{"a":1,', 1),
        ('{"a":1]', '{"a":1}', '{"a":1', 1),
        ('{"a":1:', '{"a":1}', '{"a":1', 1),
        ('{"a":1 "b"', '{"a":1}', '{"a":1', 1),
        ('{"a":1,[', '{"a":1}', '{"a":1,', 1),
        ("[nullable", "[]", "[", 1),
        ("[12abc", "[]", "[", 1),
        ("[1.5.5", "[]", "[", 1),
        ("[1-2", "[]", "[", 1),
        ("[1+2", "[]", "[", 1),
        ('["\\x"', "[]", "[", 1),
        ('{"\\x":1', "{}", "{", 1),
    ],
)
def test_a_text_is_read_up_to_its_fault(text: str, value: str, is_read: str, is_open: int) -> None:
    assert read(text) == (value, len(is_read), is_open, True)


@pytest.mark.parametrize(
    ("text", "value", "is_exact"),
    [
        ('{"a":1,"a":2', '{"a":2}', False),
        ('{"a":1,"a":2,"b":3}', '{"a":2,"b":3}', False),
        ('[{"a":1,"a":2},{"b":3}]', '[{"a":2},{"b":3}]', False),
        ('{"a":{"b":1},"b":{"a":1}}', '{"a":{"b":1},"b":{"a":1}}', True),
    ],
)
def test_a_name_that_is_there_twice_makes_the_values_inexact(text: str, value: str, is_exact: bool) -> None:
    found = read(text)

    assert (found[0], found[3]) == (value, is_exact)


def test_the_open_lists_and_objects_are_those_of_the_values_the_outermost_first() -> None:
    found = beginning('{"a":[1,{"b":')

    assert found.open == [found.value, found.value["a"], found.value["a"][1]]
    assert found.open[1] is found.value["a"]


def test_a_text_is_read_64_levels_deep() -> None:
    assert MAX_DEPTH == 64
    assert read("[" * 64 + "1")[1:3] == (65, 64)
    assert read("[" * 65)[1:3] == (64, 64)
    assert read('{"a":' * 65)[1:3] == (64 * 5, 64)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab\\"\n{[,:'),
    lambda children: st.lists(children) | st.dictionaries(st.text(alphabet="ab"), children),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(_json, st.data())
def test_any_json_is_read_whole_and_any_part_of_it_up_to_its_end(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = data.draw(st.integers(0, len(text)))

    whole, part = beginning(text), beginning(text[:cut])

    assert json.loads(orjson.dumps(whole.value)) == value
    assert (whole.end, whole.open, whole.is_exact) == (len(text), [], True)
    assert part.end <= cut
    assert text[: part.end].strip() or part.value is None
