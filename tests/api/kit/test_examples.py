"""Every operation of the OpenAPI document has an example, and each example is valid by the document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from ocpp_server.api import examples
from ocpp_server.api.pages import document
from tests.api.recorded import recording

HELP = "Run `manage.py api_docs` after `RECORD_ANSWERS=1 python -m pytest tests/api/recorded`."


@pytest.fixture(scope="module")
def components() -> dict[str, Any]:
    parts: dict[str, Any] = json.loads(json.dumps(document()["components"]))
    _nullable(parts)
    return parts


def _nullable(node: Any) -> None:
    """Spell OpenAPI 3.0's `nullable` as JSON Schema does."""
    if isinstance(node, list):
        for item in node:
            _nullable(item)
    elif isinstance(node, dict):
        for item in node.values():
            _nullable(item)
        if node.pop("nullable", False):
            kept = dict(node)
            node.clear()
            node["anyOf"] = [kept, {"type": "null"}]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for item in document()["paths"].values():
        for one in item.values():
            yield one["operationId"], one


def problems(schema: dict[str, Any], components: dict[str, Any], example: Any) -> list[str]:
    whole = {**schema, "components": {"schemas": used(schema, components["schemas"])}}
    validator = jsonschema_rs.validator_for(whole, validate_formats=True)
    return [f"{list(each.instance_path)}: {each.message}" for each in validator.iter_errors(example)]


def used(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """The components that a schema refers to."""
    found: dict[str, Any] = {}
    waiting: list[Any] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found[name] = parts[name]
                waiting.append(parts[name])
        waiting += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return found


def test_every_operation_has_an_example_of_its_answer() -> None:
    lacking = []
    for name, one in operations():
        success = next(answer for code, answer in sorted(one["responses"].items()) if code < "300")
        contents = success.get("content", {})
        if contents and not any("example" in each for each in contents.values()):
            lacking.append(name)

    assert not lacking, HELP


def test_every_operation_with_a_json_body_has_an_example_of_it() -> None:
    lacking = [
        name
        for name, one in operations()
        if "application/json" in (content := one.get("requestBody", {}).get("content", {}))
        and "example" not in content["application/json"]
    ]

    assert not lacking, HELP


def test_every_example_is_valid(components: dict[str, Any]) -> None:
    wrong = []
    for name, one in operations():
        for part in (*one["responses"].values(), one.get("requestBody", {})):
            for kind, content in part.get("content", {}).items():
                if kind == "application/json" and "example" in content:
                    found = problems(content["schema"], components, content["example"])
                    wrong += [f"{name}: {line}" for line in found]

    assert not wrong, "\n".join(wrong[:30])


def test_a_wrong_example_is_noticed(components: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/SiteEnvelope"}
    example = {"success": True, "message": "Site A.", "data": {"name": 7}}

    assert any("name" in line for line in problems(schema, components, example))


def test_no_example_has_a_placeholder_of_the_recording() -> None:
    assert not [line for line in examples.text().splitlines() if '"<' in line]


def test_the_examples_are_those_of_the_recording() -> None:
    assert json.loads(examples.FILE.read_text("utf-8")) == json.loads(examples.text()), HELP
    assert examples.RECORDED == recording.FOLDER / "answers.json"
