"""Everything that can follow a CALL of the server: each answer that its schema allows, an error of each code,
silence, a dropped socket, and answers that can't be read.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

import orjson

from ocpp_server.protocol import schemas
from ocpp_server.protocol.errors import codes
from ocpp_server.transport import outcomes
from tests.unit.protocol.samples import example, fields, parent, smallest

SILENCE, DROPPED = "silence", "dropped socket"
# Characters of an answer that is much longer than any real one.
_HUGE: Final = 200_000
# Instead of the message type: the front of a payload whose end was lost.
_BROKEN: Final = "broken"
# The names of the answers of an action without an enumeration.
_PLAIN: Final = ("required fields", "all fields")
_DESCRIPTION, _DETAILS = "The relay is stuck.", {"relay": 2}


class Ending(NamedTuple):
    """One thing that can follow a CALL. `frame` is the answer without its message id; None for none."""

    name: str
    frame: tuple[Any, ...] | None = None

    @property
    def is_error(self) -> bool:
        return self.frame is not None and self.frame[0] == 4

    @property
    def payload(self) -> Any:
        """The payload of an answer; None for any other ending."""
        return self.frame[1] if self.frame is not None and self.frame[0] == 3 else None

    @property
    def is_allowed(self) -> bool:
        """Whether the schema allows it: the names of these answers have a value or say which fields."""
        return self.payload is not None and ("=" in self.name or self.name in _PLAIN)

    @property
    def is_readable(self) -> bool:
        """Whether an answer is an object; a missing one counts as empty."""
        return isinstance(self.payload, dict) or self.name == "null"

    @property
    def is_unknown_word(self) -> bool:
        """Whether its status is a word that OCPP does not have."""
        return self.name in ("status unknown", "status huge")

    def text(self, message_id: str, request: dict[str, Any]) -> str:
        """The frame of this answer to a request."""
        assert self.frame is not None
        kind, *rest = self.frame
        if kind == _BROKEN:
            return f'[3,"{message_id}",{rest[0]}'
        if kind == 3 and isinstance(rest[0], dict):
            rest = [about(rest[0], request)]
        return orjson.dumps([kind, message_id, *rest]).decode()


# No ending: the usual answer.
USUAL: Final = Ending("")


@cache
def endings(version: str, action: str) -> tuple[Ending, ...]:
    """Everything that can follow a CALL with this action."""
    errors = (Ending(code, (4, code, _DESCRIPTION, _DETAILS)) for code in sorted(codes(version)))
    return (
        *(Ending(name, (3, payload)) for name, payload in _allowed(version, action)),
        *errors,
        Ending(SILENCE),
        Ending(DROPPED),
        *(Ending(name, (3, payload)) for name, payload in _unreadable(version, action)),
        Ending("half a frame", (_BROKEN, '{"status":"Accep')),
    )


def _allowed(version: str, action: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each value of each enumeration, with the required fields alone and with all fields."""
    schema = schemas.message_schema(version, action, "response")
    whole = example(schema)
    named = [one for one in fields(schema) if "enum" in one.schema]
    if not named:
        yield _PLAIN[0], smallest(schema, ())
        yield _PLAIN[1], whole
    for field in named:
        for value in field.schema["enum"]:
            name = f"{'.'.join(map(str, field.where))}={value}"
            yield f"{name}, all fields", _with(whole, field.where, value)
            yield name, _with(smallest(schema, field.where), field.where, value)


def _with(payload: dict[str, Any], where: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(payload)
    parent(made, where)[where[-1]] = value
    return made


def _unreadable(version: str, action: str) -> Iterator[tuple[str, Any]]:
    """Answers that break the schema or the format."""
    schema = schemas.message_schema(version, action, "response")
    whole = example(schema)
    yield "a list", [whole]
    yield "a text", "Accepted"
    yield "null", None
    yield "an unknown field", {**whole, "unheardOf": [None]}
    for field in fields(schema):
        where, kind = field.where, field.schema.get("type", "")
        is_told_apart = "enum" in field.schema or field.required or len(where) == 1
        if where[-1] == "customData" or not is_told_apart or _is_optional_inside(schema, where):
            continue
        name = ".".join(map(str, where))
        wrong = {"string": 5, "array": {}}.get(kind, "x")
        yield f"{name} of a wrong type", _with(whole, where, wrong)
        yield f"{name} is null", _with(whole, where, None)
        yield f"{name} missing", _without(whole, where)
        if "enum" in field.schema:
            yield f"{name} unknown", _with(whole, where, "Perhaps")
            yield f"{name} in small letters", _with(whole, where, str(field.schema["enum"][0]).lower())
            yield f"{name} huge", _with(whole, where, "x" * _HUGE)
        if kind == "array":
            yield f"{name} empty", _with(whole, where, [])
            yield f"{name} of nulls", _with(whole, where, [None])


def _is_optional_inside(schema: dict[str, Any], where: tuple[str | int, ...]) -> bool:
    """Whether a field is deep inside an optional one, such as the periods of a schedule."""
    return len(where) > 3 or (len(where) > 1 and where[0] not in schema.get("required", ()))


def _without(payload: dict[str, Any], where: tuple[str | int, ...]) -> dict[str, Any]:
    made = copy.deepcopy(payload)
    del parent(made, where)[where[-1]]
    return made


# -- answers that fit the request ----------------------------------------------------------------------------


def usual(version: str, action: str, request: dict[str, Any]) -> dict[str, Any]:
    """The answer of a station that has done it, with the required fields alone."""
    return about(_done(version, action), request)


@cache
def _done(version: str, action: str) -> dict[str, Any]:
    schema = schemas.message_schema(version, action, "response")
    answer: dict[str, Any] = smallest(schema, ())
    for field in fields(schema):
        done = outcomes.words_of(action).done & set(field.schema.get("enum", ()))
        if done and field.required:
            parent(answer, field.where)[field.where[-1]] = "Accepted" if "Accepted" in done else min(done)
    return answer


def about(answer: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """The answer with a result for each item of the request's list, which names the same things."""
    items = next((value for value in request.values() if isinstance(value, list) and value), [])
    return {name: _results(value, items) if items else value for name, value in answer.items()}


def _results(value: Any, items: list[Any]) -> Any:
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return value
    return [value[0] | _shared(value[0], item) for item in items]


def _shared(result: dict[str, Any], item: Any) -> dict[str, Any]:
    """The fields of a result that repeat those of the request; a 1.6 request names its keys by texts."""
    given = item if isinstance(item, dict) else {"key": item}
    return {name: value for name, value in given.items() if isinstance(result.get(name), type(value))}
