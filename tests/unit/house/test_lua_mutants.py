"""The mutants of Lua scripts: small changes of the code, none of comments and texts."""

from __future__ import annotations

import pytest

from tests.mutation.lua import Result, mutants, scripts, table
from tests.mutation.lua_grammar import NotUnderstood


def texts(script: str) -> list[str]:
    return [mutant.text for mutant in mutants(script)]


def test_a_condition_is_dropped_both_ways() -> None:
    assert texts("if a(b) then local x = b end") == [
        "if true then local x = b end",
        "if false then local x = b end",
    ]


def test_the_conditions_of_elseif_and_while_are_dropped() -> None:
    assert texts("if a then local x = b elseif c then local y = b end")[2:] == [
        "if a then local x = b elseif true then local y = b end",
        "if a then local x = b elseif false then local y = b end",
    ]
    assert texts("while a do local x = b end") == [
        "while true do local x = b end",
        "while false do local x = b end",
    ]


def test_each_part_of_a_logical_expression_is_dropped() -> None:
    assert texts("local x = a and not b or c") == [
        "local x = a or c",
        "local x = not b or c",
        "local x = a and not b",
        "local x = c",
    ]


def test_and_ends_where_a_bracket_ends() -> None:
    assert texts("local x = f(a and b, c) .. d") == ["local x = f(a, c) .. d", "local x = f(b, c) .. d"]


@pytest.mark.parametrize(
    ("operator", "neighbour"),
    [("==", "~="), ("~=", "=="), ("<", "<="), ("<=", "<"), (">", ">="), (">=", ">")],
)
def test_a_comparison_becomes_its_neighbour(operator: str, neighbour: str) -> None:
    assert texts(f"local x = a {operator} b") == [f"local x = a {neighbour} b"]


def test_a_number_becomes_one_more_and_one_less() -> None:
    assert texts("local x = y[1] - 0") == [
        "local x = y[2] - 0",
        "local x = y[0] - 0",
        "local x = y[1] - 1",
        "local x = y[1] - (-1)",
    ]


def test_a_duration_becomes_twice_and_half_as_long() -> None:
    assert texts("local x = 3600000") == ["local x = 7200000", "local x = 1800000"]


def test_a_statement_is_skipped_with_all_its_lines() -> None:
    assert texts("a = b\nredis.call('X', {\n  c = d,\n})\nf(x)\nreturn g(x)") == [
        "\nredis.call('X', {\n  c = d,\n})\nf(x)\nreturn g(x)",
        "a = b\n\n\n\nf(x)\nreturn g(x)",
        "a = b\nredis.call('X', {\n  c = d,\n})\n\nreturn g(x)",
        "a = b\nredis.call('X', {\n  c = d,\n})\nf(x)\n",
    ]


def test_a_break_is_skipped_and_a_declaration_is_not() -> None:
    assert texts("for i, x in ipairs(y) do local z = x break end") == [
        "for i, x in ipairs(y) do local z = x  end"
    ]


def test_comments_and_texts_stay_as_they_are() -> None:
    assert texts("-- if a == 1 then return end\nlocal x = 'b == 2 and c' .. \"3\"") == []


def test_a_mutant_has_its_line_and_its_change() -> None:
    (mutant, _) = mutants("-- one\n\nlocal x =\n  a and b")

    assert (mutant.line, mutant.change) == (4, "Of `a and b` only `a` is left.")


def test_a_mark_excludes_the_mutants_of_its_line() -> None:
    marked = mutants("local x = 1 == y  -- equivalent: nothing reads x\nlocal z = 1")

    assert [mutant.equivalent for mutant in marked] == ["nothing reads x"] * 3 + ["", ""]


def test_a_mark_with_code_excludes_the_mutants_of_this_code() -> None:
    marked = mutants("local x = 1 == y  -- equivalent (1): y is no number")

    assert [mutant.equivalent for mutant in marked] == ["y is no number", "y is no number", ""]


def test_a_mark_with_an_operator_excludes_the_mutants_that_drop_its_operands() -> None:
    marked = mutants("local x = y and z == a  -- equivalent (and): z is never a")

    assert [mutant.equivalent for mutant in marked] == ["z is never a", "z is never a", ""]


@pytest.mark.parametrize("mark", ["-- equivalent:", "-- equivalent (1):  "])
def test_a_mark_needs_a_reason(mark: str) -> None:
    with pytest.raises(ValueError, match="line 2: .* no reason"):
        mutants(f"local x = y\nlocal z = 1  {mark}")


def test_a_part_of_lua_that_is_not_known_is_reported_with_its_line() -> None:
    with pytest.raises(NotUnderstood, match="line 2"):
        mutants("local x = y\nlocal z = [[text]]")


def test_all_scripts_of_the_server_have_mutants() -> None:
    assert len(scripts()) > 30
    assert [path.name for path in scripts() if not mutants(path.read_text("utf-8"))] == []


def test_the_table_counts_each_script_without_its_equivalent_mutants() -> None:
    outcomes = ["killed", "timeout", "survived", "survived", "equivalent"]
    results = [Result("a.lua", 1, "change", outcome) for outcome in outcomes]

    rows = [line.split() for line in table(results).splitlines()]

    assert rows[1] == ["a.lua", "5", "2", "1", "2", "50.0", "%"]
    assert rows[2] == ["all", *rows[1][1:]]
