"""The fields of a message as a tree: the rules of its schema, and what the server knows about each field.

A tree is made for the first invalid payload of its message; a valid payload needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from jsonschema_rs import Draft4Validator

from . import exact, missing, wording
from .exact import Kind

Schema = dict[str, Any]

_TYPES: Final[dict[str, frozenset[type]]] = {
    "object": frozenset({dict}),
    "array": frozenset({list}),
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
}
# The keywords that the schemas of OCPP use; a test fails when a schema has another one.
KEYWORDS: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum",
     "maxLength", "minimum", "maximum", "multipleOf", "format"}
)  # fmt: skip
# Texts in which both sides may write anything (1.6 4.3, 5.5; 2.x allows any JSON here).
_FREE_TEXTS: Final = frozenset({("DataTransfer", "data")})


class Shape:
    """One field, or the payload itself. An item of a list has the names of its list."""

    __slots__ = (
        "accepts", "bounds", "checks", "is_address", "is_exact", "is_free_text", "is_hidden",
        "is_register", "is_result", "items", "max_items", "max_length", "may_be_absent", "may_lose_items",
        "min_items", "must_be_present", "properties", "required", "signs", "substitute", "type", "words",
    )  # fmt: skip

    # Set for lists only; every use of it is about a list.
    items: Shape

    def __init__(self, node: Schema, names: tuple[str, ...], message: _Message, *, required: bool) -> None:
        self.type: str = node.get("type", "")
        # None for a field that may hold any JSON.
        self.accepts = _TYPES.get(self.type)
        name = names[-1] if names else ""
        is_value = bool(names) and self.type not in ("object", "array")
        self.substitute = missing.substitute(message.action, message.kind, names) if required else None
        self.must_be_present = required
        self.may_be_absent = not required or self.substitute is not None
        self.is_exact = is_value and exact.is_exact(message.kind, names)
        self.is_address = is_value and exact.is_address(names)
        self.is_register = is_value and exact.is_register(names)
        self.is_free_text = (message.action, *names) in _FREE_TEXTS
        self.is_hidden = wording.is_hidden(names, message.action)
        # None where any name is allowed.
        closed = self.type == "object" and node.get("additionalProperties") is False
        self.properties: dict[str, Shape] | None = None
        self.required: tuple[str, ...] = tuple(node.get("required", ()))
        if closed:
            self.properties = {
                child: Shape(
                    message.resolved(schema), (*names, child), message, required=child in self.required
                )
                for child, schema in node.get("properties", {}).items()
            }
        # 1.6: a sampled value may be signed, which its format says.
        self.signs = name == "sampledValue" and closed and "format" in node["properties"]
        if self.type == "array":
            # An item is never absent: it is dropped, or the list is refused.
            self.items = Shape(message.resolved(node["items"]), names, message, required=True)
            self.items.may_be_absent, self.items.substitute = False, None
        self.min_items: int = node.get("minItems", 0)
        self.max_items: int | None = node.get("maxItems")
        self.is_result = self.type == "array" and exact.is_result_of_change(message.kind, names)
        self.may_lose_items = self.type == "array" and exact.may_lose_items(
            message.action, message.kind, names
        )
        self.words = {word.casefold(): word for word in node["enum"]} if "enum" in node else None
        self.max_length: int | None = node.get("maxLength")
        self.bounds = (node.get("minimum"), node.get("maximum"))
        self.checks = tuple(
            (keyword, node[keyword], _check(keyword, node[keyword]))
            for keyword in ("format", "multipleOf")
            if keyword in node
        )


class _Message:
    """The message that a tree is made for."""

    def __init__(self, action: str, kind: Kind, definitions: dict[str, Schema]) -> None:
        self.action = action
        self.kind = kind
        self._definitions = definitions

    def resolved(self, node: Schema) -> Schema:
        while "$ref" in node:
            node = self._definitions[node["$ref"].rpartition("/")[2]]
        return node


def shape_of(schema: Schema, action: str, kind: Kind) -> Shape:
    """The tree of a message."""
    message = _Message(action, kind, schema.get("definitions", {}))
    return Shape(message.resolved(schema), (), message, required=True)


@cache
def _check(keyword: str, limit: object) -> Callable[[object], bool]:
    """Whether a value obeys a rule that the validator alone can check."""
    return Draft4Validator({keyword: limit}, validate_formats=True).is_valid
