"""The OpenAPI document of a few views, as the generator of the whole document makes it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator


def document(patterns: list[Any]) -> dict[str, Any]:
    """The document of the views with these URL patterns."""
    with GENERATOR_STATS.silence():
        made: dict[str, Any] = SchemaGenerator(patterns=patterns).get_schema(public=True)
    return made


def parameters(operation: dict[str, Any]) -> set[tuple[str, str]]:
    """The place and the name of each parameter of an operation."""
    return {(each["in"], each["name"]) for each in operation.get("parameters", ())}


def fields(schema: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The fields of each component with their types."""
    components = schema["components"]["schemas"]
    return {
        name: {field: kind(one) for field, one in component.get("properties", {}).items()}
        for name, component in components.items()
    }


def kind(field: dict[str, Any]) -> str:
    """The type of a field, or the name of its component, which is wrapped where the field is read-only."""
    (named,) = field.get("allOf", [field])
    if named.get("type") == "array":
        return f"{kind(named['items'])}[]"
    return str(named.get("type") or named["$ref"].rsplit("/", 1)[-1])
