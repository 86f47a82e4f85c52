"""Answers without personal data, for API keys that may not see it.

One rule by the names of fields, wherever they stand: in rows, in payloads of commands, in frames of messages
and in exports. A view whose rows have further personal fields, such as the name of a user, lists them in
`personal`. The sentence of such a view's answer is replaced, because it names the row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import orjson

MASK: Final = "••••"
SENTENCE: Final = "Personal data is hidden from this key."
# Fields of the API and of OCPP, in lower case without underscores.
NAMES: Final = frozenset(
    {
        "additionalidtoken",
        "contractid",
        "customeridentifier",
        "email",
        "emaid",
        "evccid",
        "groupid",
        "groupidtag",
        "groupidtoken",
        "idtag",
        "idtoken",
        "parentidtag",
        "phone",
        "uid",
        "visualnumber",
    }
)
# Free text, in which a vendor may send anything.
FREE: Final = frozenset({"data"})
# Fields of these names that say how a token is read, and not which one it is.
_TYPES: Final = frozenset({"type", "status", "cachexpirydatetime", "expirydate"})
# Parameters of paths that may be the number of a row.
_ROWS: Final = frozenset({"contract_id", "group_id", "token_id", "user_id"})
_DEPTH: Final = 64
_JSON: Final = re.compile(r"\s*[\[{]")

_hidden: ContextVar[bool] = ContextVar("personal", default=False)


def hide(is_hidden: bool) -> None:
    """Hide personal data for the rest of the present context, or show it."""
    _hidden.set(is_hidden)


@contextmanager
def kept() -> Iterator[None]:
    """End a `hide` inside of the context."""
    token = _hidden.set(_hidden.get())
    try:
        yield
    finally:
        _hidden.reset(token)


def is_hidden() -> bool:
    """Whether the present caller may not see personal data."""
    return _hidden.get()


def is_personal(name: str, more: Collection[str] = ()) -> bool:
    return name in more or name.replace("_", "").replace("-", "").lower() in NAMES


def masked(value: Any, more: Collection[str] = (), *, name: str = "", depth: int = _DEPTH) -> Any:
    """A copy without personal data. `more`: the view's further personal fields."""
    if depth == 0:
        return MASK
    if isinstance(value, dict):
        inside = name if is_personal(name, more) else ""
        return {
            key: masked(item, more, name=str(key) if not inside or key in _TYPES else inside, depth=depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [masked(item, more, name=name, depth=depth - 1) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    if is_personal(name, more):
        return MASK
    if isinstance(value, str):
        return _text(value, more, name, depth)
    return value


def _text(text: str, more: Collection[str], name: str, depth: int) -> str:
    """A text; JSON in it is masked like all else."""
    if not _JSON.match(text):
        return MASK if name.lower() in FREE else text
    try:
        return orjson.dumps(masked(orjson.loads(text), more, depth=depth - 1)).decode()
    except orjson.JSONDecodeError:
        return MASK


def shown_path(path: str, values: Mapping[str, Any]) -> str:
    """The path of a request without the values of its parameters that are personal. The number of a row of
    this server says nothing by itself; a uid may have digits alone.
    """
    hidden = {
        str(value)
        for name, value in values.items()
        if is_personal(name) and not (name in _ROWS and str(value).isdigit())
    }
    shown = "/".join(MASK if part in hidden else part for part in path.split("/"))
    return shown.replace("\0", "")  # PostgreSQL refuses it


def masked_columns(
    columns: Sequence[str], chunks: Iterator[Sequence[Sequence[Any]]], more: Collection[str] = ()
) -> Iterator[Sequence[Sequence[Any]]]:
    """The rows of an export without personal data."""
    for chunk in chunks:
        yield [
            tuple(masked(value, more, name=name) for name, value in zip(columns, row, strict=True))
            for row in chunk
        ]
