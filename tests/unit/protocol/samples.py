"""Valid payloads made from the schemas, and the fields of them that a test can break."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import VERSIONS

MESSAGES = [
    (version, action, kind)
    for version in VERSIONS
    for action in sorted(schemas.actions_of(version))
    for kind in ("request", "response")
    if schemas.has(version, action, kind)
]

_TEXTS = {"date-time": "2025-03-01T12:00:00Z", "uri": "https://example.com/file"}


class Field(NamedTuple):
    where: tuple[str | int, ...]
    schema: dict[str, Any]
    required: bool


def example(root: dict[str, Any], node: dict[str, Any] | None = None) -> Any:
    """A valid payload with every optional field present."""
    node = resolved(root, root if node is None else node)
    if "enum" in node:
        return node["enum"][0]
    match node.get("type"):
        case "object":
            return {name: example(root, child) for name, child in node.get("properties", {}).items()}
        case "array":
            return [example(root, node["items"]) for _ in range(node.get("minItems", 1))]
        case "string":
            return _TEXTS.get(node.get("format", ""), "a")
        case "integer":
            return int(_in_range(node))
        case "number":
            return float(_in_range(node))
        case "boolean":
            return True
    return "anything"


def smallest(root: dict[str, Any], where: tuple[str | int, ...], node: dict[str, Any] | None = None) -> Any:
    """A valid payload with the required fields, and the field at `where`."""
    node = resolved(root, root if node is None else node)
    match node.get("type"):
        case "object":
            required = node.get("required", ())
            return {
                name: smallest(root, where[1:] if where[:1] == (name,) else (), child)
                for name, child in node.get("properties", {}).items()
                if name in required or where[:1] == (name,)
            }
        case "array":
            return [smallest(root, where[1:], node["items"]) for _ in range(max(1, node.get("minItems", 1)))]
    return example(root, node)


def _in_range(node: dict[str, Any]) -> float:
    """1 where the schema allows it, else the nearest limit."""
    return max(node.get("minimum", -1), min(node.get("maximum", 1), 1))


def fields(
    root: dict[str, Any], node: dict[str, Any] | None = None, where: tuple[str | int, ...] = ()
) -> Iterator[Field]:
    """Every named field of `example`; the content of customData is left out: it belongs to its vendor."""
    node = resolved(root, root if node is None else node)
    if node.get("type") == "array":
        yield from fields(root, node["items"], (*where, 0))
    for name, child in node.get("properties", {}).items():
        yield Field((*where, name), resolved(root, child), name in node.get("required", ()))
        if name != "customData":
            yield from fields(root, child, (*where, name))


def resolved(root: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = root["definitions"][node["$ref"].rpartition("/")[2]]
    return node


def parent(payload: Any, where: tuple[str | int, ...]) -> Any:
    for step in where[:-1]:
        payload = payload[step]
    return payload


def profile(limit: float) -> dict[str, Any]:
    """A valid SetChargingProfile of 1.6, but for its limit."""
    period = {"startPeriod": 0, "limit": limit}
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]},
        },
    }
