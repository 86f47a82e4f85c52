"""The messages of every version that have a schema, and the paths of their properties."""

from __future__ import annotations

from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import VERSIONS

MESSAGES = [
    (version, action, kind)
    for version in VERSIONS
    for action in sorted(schemas.actions_of(version))
    for kind in ("request", "response")
    if schemas.has(version, action, kind)
]


def properties() -> set[tuple[str, str]]:
    """Every path of every schema, of texts and other types; list items are no step of a path."""
    found = set()
    for version, action, kind in MESSAGES:
        schema = schemas.message_schema(version, action, kind)
        waiting = [(schema, "")]
        while waiting:
            node, path = waiting.pop()
            while "$ref" in node:
                node = schema["definitions"][node["$ref"].rpartition("/")[2]]
            if node.get("type") == "array":
                waiting.append((node["items"], path))
            elif path.count(".") < 8:
                found.add((action, path))
                for name, below in node.get("properties", {}).items():
                    if name != "customData":
                        waiting.append((below, f"{path}.{name}".lstrip(".")))
    return found
