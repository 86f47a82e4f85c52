"""Finds the places of a Lua script where it can be mutated: a parser of the part of Lua that scripts use."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
    |(?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<symbol>\.\.\.|\.\.|==|~=|<=|>=|[-+*/%^\#<>=(){}\[\];:,.])""",
    re.VERBOSE,
)
_KEYWORDS = frozenset(
    {"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil"}
    | {"not", "or", "return", "then", "true", "while"}
)
_PRECEDENCE = (
    {"or": 1, "and": 2}
    | dict.fromkeys(("==", "~=", "<", "<=", ">", ">="), 3)
    | {"..": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
)
_UNARY, _UNARY_PRECEDENCE = frozenset({"not", "#", "-"}), 7


class Span(NamedTuple):
    """A part of the text, from `start` up to `end`."""

    start: int
    end: int


_NOWHERE = Span(0, 0)


class Place(NamedTuple):
    """A part of the script that can be mutated. `kind` is condition, logic, comparison, number or statement.
    `left` and `right` are the operands of logic.
    """

    kind: str
    span: Span
    left: Span = _NOWHERE
    right: Span = _NOWHERE


class Token(NamedTuple):
    kind: str
    text: str
    span: Span


class NotUnderstood(ValueError):
    """The script uses a part of Lua that this parser does not know."""


def places(text: str) -> list[Place]:
    """All places, in the order of the text. Raises NotUnderstood."""
    parser = _Parser(text)
    parser.block(frozenset({""}))
    return sorted(parser.places, key=lambda place: (place.span.start, place.kind, place.span.end))


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotUnderstood(f"line {text.count(chr(10), 0, at) + 1}: {text[at : at + 20]!r}")
        kind, at = str(match.lastgroup), match.end()
        if kind != "space":
            kind = "keyword" if match[0] in _KEYWORDS else kind
            found.append(Token(kind, match[0], Span(*match.span())))
    return [*found, Token("end", "", Span(at, at))]


class _Parser:
    def __init__(self, text: str) -> None:
        self.places: list[Place] = []
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    # -- tokens -------------------------------------------------------------------------------------

    @property
    def _next(self) -> str:
        token = self._tokens[self._at]
        return "a string" if token.kind == "string" else token.text

    def _pass(self, *expected: str) -> Token:
        token = self._tokens[self._at]
        if expected and token.text not in expected:
            line = self._text.count("\n", 0, token.span.start) + 1
            raise NotUnderstood(f"line {line}: {token.text!r} instead of {' or '.join(expected)}")
        self._at += 1
        return token

    def _passed(self, text: str) -> bool:
        is_next = self._next == text
        self._at += is_next
        return is_next

    def _note(self, kind: str, start: int, left: Span = _NOWHERE, right: Span = _NOWHERE) -> None:
        """Note a place from `start` to the last token."""
        end = self._tokens[self._at - 1].span.end
        self.places.append(Place(kind, Span(start, end), left, right))

    # -- statements ---------------------------------------------------------------------------------

    def block(self, ends: frozenset[str]) -> None:
        while self._next not in ends:
            self._statement()
        self._pass()

    def _statement(self) -> None:
        statements: dict[str, Callable[[], None]] = {
            "local": self._local,
            "function": self._function,
            "if": self._if,
            "while": self._while,
            "for": self._for,
        }
        known = statements.get(self._next)
        if known is not None:
            self._pass()
            known()
            return
        start = self._tokens[self._at].span.start
        if self._passed("return"):
            if self._next not in ("end", "else", "elseif", ""):
                self._expressions()
        elif not self._passed("break"):
            self._expressions()
            if self._passed("="):
                self._expressions()
        self._note("statement", start)

    def _local(self) -> None:
        """Without its declaration a variable would be a global, which Redis refuses: no place."""
        if self._passed("function"):
            self._function()
            return
        self._names()
        if self._passed("="):
            self._expressions()

    def _names(self) -> None:
        self._pass()
        while self._passed(","):
            self._pass()

    def _function(self) -> None:
        if self._next != "(":
            self._pass()
        self._pass("(")
        if self._next != ")":
            self._names()
        self._pass(")")
        self.block(frozenset({"end"}))

    def _if(self) -> None:
        self._condition()
        self._pass("then")
        self.block(frozenset({"elseif", "else", "end"}))
        ended_by = self._tokens[self._at - 1].text
        if ended_by == "elseif":
            self._if()
        elif ended_by == "else":
            self.block(frozenset({"end"}))

    def _while(self) -> None:
        self._condition()
        self._pass("do")
        self.block(frozenset({"end"}))

    def _for(self) -> None:
        self._names()
        self._pass("in", "=")
        self._expressions()
        self._pass("do")
        self.block(frozenset({"end"}))

    def _condition(self) -> None:
        start = self._tokens[self._at].span.start
        self._expression()
        self._note("condition", start)

    # -- expressions --------------------------------------------------------------------------------

    def _expressions(self) -> None:
        self._expression()
        while self._passed(","):
            self._expression()

    def _expression(self, above: int = 0) -> Span:
        start = self._tokens[self._at].span.start
        if self._next in _UNARY:
            self._pass()
            self._expression(_UNARY_PRECEDENCE)
        else:
            self._operand()
        left = Span(start, self._tokens[self._at - 1].span.end)
        while _PRECEDENCE.get(self._next, 0) > above:
            operator = self._pass()
            precedence = _PRECEDENCE[operator.text]
            # `..` binds to the right.
            right = self._expression(precedence - (operator.text == ".."))
            if operator.text in ("and", "or"):
                self._note("logic", start, left, right)
            elif precedence == _PRECEDENCE["=="]:
                self.places.append(Place("comparison", operator.span))
            left = Span(start, right.end)
        return left

    def _operand(self) -> None:
        token = self._pass()
        if token.kind == "number":
            self._note("number", token.span.start)
        elif token.text == "function":
            self._function()
        elif token.text == "{":
            self._table()
        elif token.text == "(":
            self._expression()
            self._pass(")")
            self._suffixes()
        elif token.kind == "name":
            self._suffixes()
        elif token.kind != "string" and token.text not in ("nil", "true", "false", "..."):
            self._at -= 1
            self._pass("an expression")

    def _table(self) -> None:
        while not self._passed("}"):
            if self._passed("["):
                self._expression()
                self._pass("]")
                self._pass("=")
            elif self._tokens[self._at].kind == "name" and self._tokens[self._at + 1].text == "=":
                self._pass()
                self._pass()
            self._expression()
            if self._next != "}":
                self._pass(",", ";")

    def _suffixes(self) -> None:
        while self._next in (".", ":", "[", "("):
            suffix = self._pass().text
            if suffix in ".:":
                self._pass()
            elif suffix == "[":
                self._expression()
                self._pass("]")
            else:
                if self._next != ")":
                    self._expressions()
                self._pass(")")
