"""The mutants of a text, and their exchange with the code that runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutation.mutants import Exchange, Mutant, NotReachedError, equivalent_lines, mutants_of
from tests.unit.mutation import changeable, registering

FILE = Path(changeable.__file__)


def changed(text: str) -> set[tuple[str, str]]:
    return {(mutant.was.strip(), mutant.now.strip()) for mutant in mutants_of(Path("some.py"), text)}


@pytest.mark.parametrize(
    ("line", "was", "now"),
    [
        ("return a < b", "< b", "<= b"),
        ("return a and b", "a and b", "a or b"),
        ("return a is None", "is", "is not"),
        ("return a in b", "in", "not in"),
        ("return not a", "not a", "a"),
        ("return a + 1", "1", "2"),
        ("return a + b", "a + b", "a - b"),
        ("return 'key'", "'key'", "'XXkeyXX'"),
        ("return f(a=1, b=2)", "f(a=1, b=2)", "f(b=2)"),
        ("return a if b else c", "a if b else c", "a if (b) or True else c"),
        ("return f(a)", "return f(a)", "return None"),
        ("f(a)", "f(a)", "pass"),
        ("await f(a)", "await f(a)", "pass"),
        ("raise ValueError", "raise ValueError", "pass"),
        ("if f(a): g(a)", "f(a)", "not f(a)"),
        ("a = f(b)", "a = f(b)", "a = None"),
        ("return [one for one in a if one.b]", "one.b", "not one.b"),
    ],
)
def test_a_line_has_this_mutant(line: str, was: str, now: str) -> None:
    assert (was, now) in changed(f"async def function(a, b=None, c=None):\n    {line}\n")


def test_false_becomes_true_and_not_none() -> None:
    assert changed("def function():\n    a = False\n") == {("False", "True")}


@pytest.mark.parametrize(
    "text",
    [
        "def function():\n    raise_it: int\n    'The docstring.'\n",
        "def function():\n    log.info('event', code=1)\n",
        "def function():\n    assert len(a) == 1\n",
        "def function(a: int | None = 5): ...\n",
        "@decorated(5)\nclass A: ...\n",
        "table = build(5)\n",
        "_LIMIT = 5\ntable = build(most=_LIMIT)\n",
        "_LIMIT: Final = 5\n_ALL = build(_LIMIT)\ndef function():\n    _ALL\n",
        "class A(B, tag='a'): ...\n",
        "class State(StrEnum):\n    SENT = 'sent'\n",
        "class Outcome(NamedTuple):\n    items: int = 0\n",
        "class Call(msgspec.Struct, kw_only=True):\n    hops: int = 0\n",
        "@dataclass(eq=False)\nclass Waiting:\n    at: float = 0.0\n",
        "Kind = dict[str, int] | None\n",
        "__all__ = ['name']\n",
        "class A:\n    __slots__ = ('a',)\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    a = 5\n",
    ],
)
def test_what_is_no_rule_is_left_alone(text: str) -> None:
    assert changed(text) == set()


def test_the_wording_of_a_sentence_is_left_alone() -> None:
    assert changed("def function():\n    return 'This is a sentence.'\n") == set()


def test_a_value_at_the_level_of_the_module_is_changed() -> None:
    assert ("10", "11") in changed("LIMIT = 10 * 60\n")


@pytest.mark.parametrize(
    "text",
    [
        "_LIMIT: Final = 10\ndef function():\n    _LIMIT\n",
        "_LIMIT = 10\n_ALL = (_LIMIT,)\n_TABLE = {0: _ALL}\nshort = lambda: _TABLE\n",
        "_LIMIT = 10\nLIMITS = (_LIMIT,)\n",
        "_LIMIT = 10\nLIMITS = frozenset((_LIMIT,))\n",
    ],
)
def test_a_private_value_is_changed_if_a_function_reads_it(text: str) -> None:
    assert ("10", "11") in changed(text)


def test_every_mutant_of_a_line_is_in_its_place() -> None:
    text = FILE.read_text()
    lines = text.splitlines()
    for mutant in mutants_of(FILE):
        after = mutant.apply(text).splitlines()
        assert after[: mutant.line - 1] == lines[: mutant.line - 1]
        assert after != lines
        compile(mutant.apply(text), "mutant", "exec")


def test_a_changed_word_keeps_the_space_before_it() -> None:
    text = "def function(a, b):\n    return a in b\n"
    after = {" ".join(mutant.apply(text).split()) for mutant in mutants_of(Path("some.py"), text)}
    assert "def function(a, b): return a not in b" in after


def test_a_line_marked_as_equivalent_has_no_mutants_and_a_reason() -> None:
    marked = equivalent_lines(FILE.read_text())
    assert list(marked.values()) == ["for the test of this comment"]
    assert not [mutant for mutant in mutants_of(FILE) if mutant.line in marked]


# -- the exchange --------------------------------------------------------------------------------------


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    exchange = Exchange()
    codes = [(function, function.__code__) for function in exchange.functions_of(FILE)]
    step, limit = changeable.Counter.step, changeable.LIMIT
    yield exchange
    for function, code in codes:
        function.__code__ = code
    changeable.Counter.step, changeable.LIMIT = step, limit
    changeable.doubled.cache_clear()


def mutant(was: str, now: str) -> Mutant:
    return next(each for each in mutants_of(FILE) if (each.was.strip(), each.now.strip()) == (was, now))


def test_a_function_is_changed_where_a_registry_holds_it(exchange: Exchange) -> None:
    assert not changeable.REGISTERED[0](10)

    exchange.put(mutant("< LIMIT", "<= LIMIT"))

    assert changeable.REGISTERED[0](10)


def test_a_property_is_changed(exchange: Exchange) -> None:
    counter = changeable.Counter()

    exchange.put(mutant("> 0", ">= 0"))

    assert counter.is_used


async def test_a_coroutine_is_changed(exchange: Exchange) -> None:
    counter = changeable.Counter()

    exchange.put(mutant("self.value += self.step", "self.value -= self.step"))

    assert await counter.add(times=2) == -2


def test_a_method_is_changed_that_no_longer_calls_its_parent(exchange: Exchange) -> None:
    assert changeable.Slow().value == 0

    exchange.put(mutant("super().__init__()", "pass"))

    slow = changeable.Slow()
    assert (slow.step, hasattr(slow, "value")) == (3, False)


def test_cached_answers_of_the_code_before_are_forgotten(exchange: Exchange) -> None:
    assert changeable.doubled(3) == 6

    exchange.put(mutant("value * 2", "value / 2"))

    assert changeable.doubled(3) == 1.5


def test_a_value_of_the_module_and_of_a_class_is_changed(exchange: Exchange) -> None:
    exchange.put(mutant("10", "11"))
    assert changeable.is_small(10)

    exchange.put(next(each for each in mutants_of(FILE) if each.was == "1" and not each.function))
    assert changeable.Counter.step == 2


def test_a_value_of_a_module_that_registers_something_is_changed(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LIMIT", "TWICE", "REGISTERED"):
        monkeypatch.setattr(registering, name, getattr(registering, name))
    found = mutants_of(Path(registering.__file__))

    exchange.put(next(each for each in found if (each.was.strip(), each.now.strip()) == ("10", "11")))

    assert registering.is_small(10)
    assert registering.TWICE == {"limit": 22}
    assert registering.REGISTERED == "a name"


def test_a_mutant_that_no_function_has_is_not_counted_as_noticed(exchange: Exchange) -> None:
    with pytest.raises(NotReachedError):
        exchange.put(replace(mutant("> 0", ">= 0"), function="Other.is_used"))
