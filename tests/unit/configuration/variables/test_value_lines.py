"""The values of a template as lines of text."""

from __future__ import annotations

import pytest

from configuration.services.variables import value_lines
from ocpp_server.domain import Invalid


def test_values_are_written_as_one_line_each_by_key() -> None:
    assert value_lines.written({"b": "2", "A": "1=1", "C": ""}) == "A = 1=1\nb = 2\nC = "
    assert value_lines.written({}) == ""


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("A=1", {"A": "1"}),
        ("  A =  1 \r\n\r\n \nB[x].C = a = b\n", {"A": "1", "B[x].C": "a = b"}),
        ("A =", {"A": ""}),
        ("A = 1\na = 2", {"A": "1", "a": "2"}),
    ],
)
def test_lines_are_read_without_the_blanks_around_keys_and_values(text: str, values: dict[str, str]) -> None:
    assert value_lines.read(text) == values


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A", "Line 1 must be key = value."),
        ("\nA = 1\n = 2", "Line 3 must be key = value."),
        ("A = 1\nA = 2", "A is there twice."),
    ],
)
def test_a_wrong_line_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        value_lines.read(text)

    assert (refused.value.field, refused.value.sentence) == ("values", sentence)


@pytest.mark.parametrize(
    ("values", "fit"),
    [
        ({"A": "1", "b": ""}, True),
        ({}, True),
        ({"A": " 1"}, False),
        ({"A": "1\n2"}, False),
        ({"A": "1\nB = 2"}, False),
        ({"A=": "1"}, False),
        ({"=": "1"}, False),
    ],
)
def test_some_values_do_not_fit_lines(values: dict[str, str], fit: bool) -> None:
    assert value_lines.fit(values) == fit
