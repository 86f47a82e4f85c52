"""docs/ocpp-protocol.md names the schemas that are installed, and what is supported of each action."""

from __future__ import annotations

import hashlib
from importlib import resources
from importlib.metadata import version

import pytest

from ocpp_server.action_docs import protocol_page
from ocpp_server.protocol.actions import ACTIONS
from tests.servers import ROOT

PAGE = (ROOT / "docs" / "ocpp-protocol.md").read_text("utf-8")


@pytest.mark.parametrize("folder", ["v16", "v201", "v21"])
def test_the_page_names_the_hash_and_the_number_of_the_installed_schemas(folder: str) -> None:
    files = resources.files("ocpp").joinpath(folder, "schemas").iterdir()
    contents = {file.name: file.read_bytes() for file in files if file.name.endswith(".json")}
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(name.encode() + b"\0" + contents[name] + b"\0")

    (row,) = [line for line in PAGE.splitlines() if f"`ocpp/{folder}/schemas`" in line]

    assert f"| {len(contents)} | `{digest.hexdigest()}` |" in row
    assert f"`ocpp` {version('ocpp')}" in row


def test_the_tables_of_actions_are_current() -> None:
    """`manage.py api_docs` writes them."""
    assert protocol_page() == PAGE


def test_every_action_has_its_row_and_no_action_of_a_version_is_unsupported() -> None:
    rows = {line.split("|")[1].strip(): line for line in PAGE.splitlines() if line.startswith("| ")}

    for name, action in ACTIONS.items():
        assert rows[name].count("| yes") == len(action.versions), name
        assert "| no |" not in rows[name], name
