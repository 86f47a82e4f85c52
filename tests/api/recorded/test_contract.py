"""The OpenAPI document keeps every operation, parameter, body field and status that was recorded."""

from __future__ import annotations

import json
from typing import Any

from ocpp_server.api.pages import document
from tests.api.recorded import recording

FILE = recording.FOLDER / "operations.json"


def operations() -> dict[str, Any]:
    """The part of the document that a generated client depends on."""
    schema = document()
    return {
        f"{method.upper()} {path}": {
            "operationId": one["operationId"],
            "parameters": sorted(f"{each['in']} {each['name']}" for each in one.get("parameters", ())),
            "body": _fields(schema, one.get("requestBody", {}).get("content", {})),
            "required": _fields(schema, one.get("requestBody", {}).get("content", {}), "required"),
            "answers": {
                code: _fields(schema, answer.get("content", {})) for code, answer in one["responses"].items()
            },
        }
        for path, item in schema["paths"].items()
        for method, one in item.items()
    }


def _fields(schema: dict[str, Any], content: dict[str, Any], which: str = "properties") -> list[str]:
    """The fields of a body, with those of inner objects: `data.errors.field`."""
    found: set[str] = set()
    for kind in content.values():
        _collect(schema, kind["schema"], "", which, found)
    return sorted(found)


def _collect(schema: dict[str, Any], node: dict[str, Any], path: str, which: str, found: set[str]) -> None:
    if "$ref" in node:
        node = schema["components"]["schemas"][node["$ref"].rsplit("/", 1)[-1]]
    for part in (*node.get("oneOf", ()), *node.get("allOf", ()), *node.get("anyOf", ())):
        _collect(schema, part, path, which, found)
    if "items" in node:
        _collect(schema, node["items"], path, which, found)
    for name, inner in node.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        if which == "properties" or name in node.get("required", ()):
            found.add(here)
            _collect(schema, inner, here, which, found)


def missing(path: str, was: Any, now: Any) -> list[str]:
    """Everything of the recorded value that the present one lacks."""
    if isinstance(was, dict):
        return [
            line
            for name, inner in was.items()
            for line in (
                missing(f"{path}.{name}", inner, now[name]) if name in now else [f"{path}.{name} is missing"]
            )
        ]
    if isinstance(was, list):
        return [f"{path}: {item} is missing" for item in was if item not in now]
    return [] if was == now else [f"{path}: was {was}, is {now}"]


def test_the_document_has_everything_that_was_recorded() -> None:
    now = operations()
    if recording.IS_RECORDING:
        FILE.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", "utf-8")
    recorded = json.loads(FILE.read_text("utf-8"))

    lacking = [line for name, one in recorded.items() for line in missing(name, one, now.get(name, {}))]
    # A field that becomes required breaks the bodies of existing clients.
    demanded = [
        f"{name}: {field} has become required"
        for name, one in recorded.items()
        for field in set(now.get(name, {}).get("required", ())) - set(one["required"])
        if "." not in field or field.rsplit(".", 1)[0] in one["body"]
    ]

    assert not lacking + demanded, "\n".join(lacking + demanded)


# An answer without an end can't be recorded; the file of its test.
ENDLESS = {"GET /api/v1/events/stream": "tests/api/events/test_stream.py"}


def test_every_operation_is_in_the_recorded_scenario() -> None:
    """Each operation succeeds at least once in `answers.json`, except those that need no recording."""
    played = [
        (one["method"], one["path"].split("?")[0])
        for one in json.loads((recording.FOLDER / "answers.json").read_text("utf-8"))
        if one["status"] < 300
    ]

    silent = {name for name in operations() if not any(_is_of(name, *one) for one in played)}

    assert silent <= ENDLESS.keys()


def _is_of(operation: str, method: str, path: str) -> bool:
    wanted, pattern = operation.split(" ")
    asked, given = pattern.split("/"), path.split("/")
    return (
        method == wanted
        and len(asked) == len(given)
        and all(want == have or want.startswith("{") for want, have in zip(asked, given, strict=True))
    )
