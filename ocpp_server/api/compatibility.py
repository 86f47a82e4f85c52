"""Compares two OpenAPI documents: the changes that break a client which was written for the first.

A client breaks when it can't ask as before (an operation, parameter, body field or value is gone or newly
required, a limit is narrower) or can't read the answer (a field, status, media type or header is gone, a
field may be missing or null, a type is another). New operations, optional fields and values of an answer's
enum break nothing: clients ignore what they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Node = Mapping[str, Any]

# Limits of what a client may send: the smaller (or greater) one is narrower.
_UPPER: Final = ("maximum", "maxLength", "maxItems", "maxProperties")
_LOWER: Final = ("minimum", "minLength", "minItems", "minProperties")


def breaking(was: Node, now: Node) -> list[str]:
    """Each breaking change in a line: the operation, the place, and what is different."""
    return sorted({line for name in _operations(was) for line in _operation(name, was, now)})


def added(was: Node, now: Node) -> list[str]:
    """The operations that only the second document has."""
    return sorted(set(_operations(now)) - set(_operations(was)))


def _operations(document: Node) -> dict[str, Node]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def _operation(name: str, was: Node, now: Node) -> Iterator[str]:
    before, after = _operations(was)[name], _operations(now).get(name)
    if after is None:
        yield f"{name}: the operation is gone"
        return
    if before.get("operationId") != after.get("operationId"):
        yield f"{name}: operationId was {before.get('operationId')}, is {after.get('operationId')}"
    if {} in before.get("security", ()) and {} not in after.get("security", ()):
        yield f"{name}: needs credentials now"
    pair = Pair(was, now)
    for compare in (_parameters, _body, _answers):
        for line in compare(before, after, pair):
            yield f"{name}: {line}"


def _parameters(before: Node, after: Node, pair: Pair) -> Iterator[str]:
    old, new = (
        {(each["in"], each["name"]): each for each in one.get("parameters", ())} for one in (before, after)
    )
    for key, parameter in new.items():
        if parameter.get("required") and not old.get(key, {}).get("required"):
            yield f"{key[0]} parameter {key[1]} has become required"
    for key, parameter in old.items():
        where = f"{key[0]} parameter {key[1]}"
        if key not in new:
            yield f"{where} is gone"
        else:
            yield from pair.sent(where, parameter.get("schema", {}), new[key].get("schema", {}))


def _body(before: Node, after: Node, pair: Pair) -> Iterator[str]:
    old, new = before.get("requestBody"), after.get("requestBody")
    if new is not None and new.get("required") and not (old or {}).get("required"):
        yield "the body has become required"
    if old is None:
        return
    if new is None:
        yield "the body is gone"
        return
    for kind, content in old["content"].items():
        if kind not in new["content"]:
            yield f"body of type {kind} is gone"
        else:
            yield from pair.sent("body", content.get("schema", {}), new["content"][kind].get("schema", {}))


def _answers(before: Node, after: Node, pair: Pair) -> Iterator[str]:
    for status, old in before["responses"].items():
        new = after["responses"].get(status)
        if new is None:
            if status < "400":  # a refusal less breaks no client
                yield f"answer {status} is gone"
            continue
        for header in old.get("headers", {}):
            if header not in new.get("headers", {}):
                yield f"header {header} of answer {status} is gone"
        for kind, content in old.get("content", {}).items():
            there = new.get("content", {}).get(kind)
            if there is None:
                yield f"answer {status} of type {kind} is gone"
            else:
                where = f"answer {status}"
                yield from pair.received(where, content.get("schema", {}), there.get("schema", {}))


class Pair:
    """Two documents, for the comparison of schemas that refer to their components."""

    def __init__(self, was: Node, now: Node) -> None:
        self._was, self._now = was, now
        # Components that refer to themselves are compared once.
        self._running: set[tuple[str, str, bool]] = set()

    def sent(self, where: str, old: Node, new: Node) -> Iterator[str]:
        """The changes of what clients send."""
        return self._compare(where, old, new, is_sent=True)

    def received(self, where: str, old: Node, new: Node) -> Iterator[str]:
        """The changes of what clients read."""
        return self._compare(where, old, new, is_sent=False)

    def _compare(self, where: str, old: Node, new: Node, *, is_sent: bool) -> Iterator[str]:
        key = (old.get("$ref", ""), new.get("$ref", ""), is_sent)
        if key[0] and key in self._running:
            return
        self._running.add(key)
        try:
            yield from self._schemas(where, _resolved(old, self._was), _resolved(new, self._now), is_sent)
        finally:
            self._running.discard(key)

    def _schemas(self, where: str, old: Node, new: Node, is_sent: bool) -> Iterator[str]:
        if "type" in new and old.get("type") != new["type"]:
            yield f"{where}: type was {old.get('type', 'any')}, is {new['type']}"
            return
        if old.get("format") != new.get("format") and (new.get("format") or not is_sent):
            yield f"{where}: format was {old.get('format')}, is {new.get('format')}"
        if bool(old.get("nullable")) != bool(new.get("nullable")) and bool(old.get("nullable")) == is_sent:
            yield f"{where}: null {'is refused now' if is_sent else 'is possible now'}"
        if is_sent:
            yield from _narrower(where, old, new)
        yield from self._fields(where, old, new, is_sent)
        if "items" in old and "items" in new:
            yield from self._compare(f"{where}[]", old["items"], new["items"], is_sent=is_sent)

    def _fields(self, where: str, old: Node, new: Node, is_sent: bool) -> Iterator[str]:
        had, has = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(needs - needed) if is_sent else sorted(needed - needs):
            if is_sent:
                yield f"{where}.{name} has become required"
            elif name in has:
                yield f"{where}.{name} may be missing now"
        for name, inner in had.items():
            if name not in has:
                yield f"{where}.{name} is gone"
            else:
                yield from self._compare(f"{where}.{name}", inner, has[name], is_sent=is_sent)


def _narrower(where: str, old: Node, new: Node) -> Iterator[str]:
    if "enum" in new:
        if "enum" not in old:
            yield f"{where}: only {', '.join(map(str, new['enum']))} now"
        for value in old.get("enum", ()):
            if value not in new["enum"]:
                yield f"{where}: the value {value} is refused now"
    for word in _UPPER:
        if word in new and new[word] < old.get(word, float("inf")):
            yield f"{where}: {word} was {old.get(word)}, is {new[word]}"
    for word in _LOWER:
        if word in new and new[word] > old.get(word, float("-inf")) and (word in old or new[word] > 0):
            yield f"{where}: {word} was {old.get(word)}, is {new[word]}"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{where}: pattern was {old.get('pattern')}, is {new['pattern']}"


def _resolved(schema: Node, document: Node) -> Node:
    """The schema with its reference and the parts of `allOf` and `oneOf` put together."""
    if "$ref" in schema:
        named: Node = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return _resolved(named, document)
    parts = (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ()))
    if not parts:
        return schema
    whole: dict[str, Any] = {}
    for part in (*(_resolved(part, document) for part in parts), schema):
        for word, value in part.items():
            if word == "properties":
                whole[word] = {**whole.get(word, {}), **value}
            elif word in ("required", "enum") and "enum" not in schema:
                whole[word] = [*whole.get(word, ()), *value]
            else:
                whole[word] = value
    return whole
