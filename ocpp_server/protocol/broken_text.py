"""The readable part of a text that is not valid JSON: its first elements, and the values before the fault.

Every function takes linear time and never raises, because stations send these texts.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

import orjson

MAX_DEPTH = 64
# Longer texts are read up to here. A valid frame of this length is a report in one part.
LONGEST = 64 * 1024

# --- the first elements -------------------------------------------------------------------------------------

# A type, an id, and the action of a call: the closing quotes must be there. An id of more characters is no
# id in any version.
_FRONT: Final = re.compile(
    r"[\ufeff\s\x00]*\[[\s\x00]*(-?[0-9]{1,9})[\s\x00]*,[\s\x00]*"
    r'(?:("(?:[^"\\]|\\.){0,255}")|(-?[0-9]{1,18})(?=[\s\x00]*[,\]]))'
    r'(?:[\s\x00]*,[\s\x00]*"([A-Za-z0-9]{1,64})")?',
    re.DOTALL,
)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class Front(NamedTuple):
    """The first elements of a frame. `id` is None when it is neither text nor an integer; `action` may be
    empty.
    """

    kind: int
    id: str | int | None
    action: str


def front(text: str) -> Front | None:
    """The type, the id and the action at the start of a broken frame; None when type or id is unreadable."""
    found = _FRONT.match(text)
    if found is None:
        return None
    kind, quoted, number, action = found.groups()
    given_id = int(number) if quoted is None else _decoded(quoted)
    return Front(int(kind), given_id, action or "")


def _decoded(quoted: str) -> str | None:
    try:
        decoded: str = json.loads(quoted, strict=False)
    except ValueError:
        return None
    return _UNSTORABLE.sub("\ufffd", decoded)


# --- control characters -------------------------------------------------------------------------------------

_CONTROL: Final = re.compile(r"[\x00-\x1f]")
# A string, or a control character between strings that is no white space of JSON. The optional quote keeps
# the scan linear.
_STRING_OR_CONTROL: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\x00-\x08\x0b\x0c\x0e-\x1f]+', re.DOTALL)
# NUL becomes U+FFFD, which databases can store.
_ESCAPES: Final = {code: f"\\u{code or 0xFFFD:04x}" for code in range(0x20)}


def without_control_characters(text: str) -> str:
    """The text with its raw control characters as JSON requires them: escaped in strings, no others."""
    if _CONTROL.search(text):  # equivalent: without any, nothing is replaced
        return _STRING_OR_CONTROL.sub(_escaped, text)
    return text


def _escaped(found: re.Match[str]) -> str:
    part = found[0]
    return part.translate(_ESCAPES) if part[0] == '"' else " "


# --- the values before the fault ----------------------------------------------------------------------------


class Beginning(NamedTuple):
    """The values of a JSON text up to `end`, where it is cut off or stops being JSON.

    `open` are the lists and objects that have no end, the outermost first: more may have followed in them.
    `is_exact`: text[:end] holds nothing but these values, because no name is there twice.
    """

    value: Any
    end: int
    open: list[Any]
    is_exact: bool


_TOKEN: Final = re.compile(
    r"[\s\ufeff\x00]*+(?:(?P<mark>[{}\[\],:])"
    r'|(?P<string>"(?:[^"\\]|\\.)*+")'
    r"|(?P<word>true|false|null)(?![\w.])"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.+\-]))",
    re.DOTALL,
)
_WORDS: Final = {"true": True, "false": False, "null": None}
# The tokens that may come next: a value, a value or the end of a list, a name or the end of an object, a
# name, a colon, a comma or an end.
_VALUE, _FIRST_ITEM, _FIRST_NAME, _NAME, _COLON, _COMMA = range(6)


def beginning(text: str) -> Beginning:
    """Read the values at the start of a text as far as it is JSON. A string without its end is left out."""
    return _Reader(text).read()


class _Reader:
    """One pass over the tokens of a text, without recursion."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._root: Any = None
        self._stack: list[Any] = []
        self._names: list[str] = []
        self._expected = _VALUE
        self._is_exact = True

    def read(self) -> Beginning:
        end = 0
        while True:
            token = _TOKEN.match(self._text, end)
            if token is None or not self._took(token):
                break
            end = token.end()
            if not self._stack:
                break
        return Beginning(self._root, end, self._stack, self._is_exact)

    def _took(self, token: re.Match[str]) -> bool:
        """Whether the token may come here; then it is added."""
        mark, expected = token["mark"], self._expected
        if mark in ("}", "]"):
            return self._closed(mark)
        if mark == ",":
            if expected != _COMMA:
                return False
            self._expected = _NAME if isinstance(self._stack[-1], dict) else _VALUE
        elif mark == ":":
            if expected != _COLON:
                return False
            self._expected = _VALUE
        elif expected in (_FIRST_NAME, _NAME):
            return self._named(token)
        elif expected in (_VALUE, _FIRST_ITEM):
            return self._valued(token)
        else:
            return False
        return True

    def _closed(self, mark: str) -> bool:
        is_object = bool(self._stack) and isinstance(self._stack[-1], dict)
        allowed = (_COMMA, _FIRST_NAME) if is_object else (_COMMA, _FIRST_ITEM)
        if not self._stack or is_object != (mark == "}") or self._expected not in allowed:
            return False
        self._stack.pop()
        if is_object:
            self._names.pop()
        self._expected = _COMMA
        return True

    def _named(self, token: re.Match[str]) -> bool:
        name = _decoded(token["string"]) if token["string"] else None
        if name is None:
            return False
        self._names[-1] = name
        self._expected = _COLON
        return True

    def _valued(self, token: re.Match[str]) -> bool:
        value: Any
        if token["mark"]:
            if len(self._stack) >= MAX_DEPTH:
                return False
            value = {} if token["mark"] == "{" else []
        elif token["string"]:
            value = _decoded(token["string"])
            if value is None:
                return False
        elif token["number"]:
            value = orjson.Fragment(token["number"])  # as it was written: 1.10 does not become 1.1
        else:
            value = _WORDS[token["word"]]
        self._add(value)
        return True

    def _add(self, value: Any) -> None:
        if not self._stack:
            self._root = value
        elif isinstance(self._stack[-1], dict):
            self._is_exact = self._is_exact and self._names[-1] not in self._stack[-1]
            self._stack[-1][self._names[-1]] = value
        else:
            self._stack[-1].append(value)
        self._expected = _COMMA
        if isinstance(value, dict):
            self._expected = _FIRST_NAME
            self._names.append("")
            self._stack.append(value)
        elif isinstance(value, list):
            self._expected = _FIRST_ITEM
            self._stack.append(value)
