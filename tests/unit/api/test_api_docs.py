"""`manage.py api_docs` writes the documents of the API, and refuses changes that break clients."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ocpp_server import action_docs, command_docs
from ocpp_server.api import codes, examples, snapshots
from ocpp_server.management.commands import api_docs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The written files are copies; the tree stays as it is."""
    for module, name, file in (
        (codes, "PAGE", "errors.md"),
        (api_docs, "COMMANDS_PAGE", "commands.md"),
        (api_docs, "PROTOCOL_PAGE", "ocpp-protocol.md"),
        (examples, "FILE", "examples.json"),
    ):
        (tmp_path / file).write_text(getattr(module, name).read_text("utf-8"), "utf-8")
        monkeypatch.setattr(module, name, tmp_path / file)
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path)
    return tmp_path


def written(*arguments: str) -> str:
    out = StringIO()
    call_command("api_docs", *arguments, stdout=out)
    return out.getvalue()


def broken(document: dict[str, Any]) -> dict[str, Any]:
    """The document, with an operation that the server does not have."""
    document["paths"]["/gone"] = {"get": {"operationId": "getGone", "responses": {}}}
    del document["paths"]["/health"]
    return document


def test_the_files_of_the_tree_are_written_as_they_are(folder: Path) -> None:
    assert written() == ""

    assert (folder / "errors.md").read_text("utf-8") == codes.page()
    assert (folder / "commands.md").read_text("utf-8") == command_docs.commands_page()
    assert (folder / "ocpp-protocol.md").read_text("utf-8") == action_docs.protocol_page()
    assert json.loads(snapshots.file_of().read_text("utf-8")) == snapshots.plain()


def test_a_change_that_breaks_clients_is_written_only_on_demand(folder: Path) -> None:
    before = json.dumps(broken(snapshots.plain()))
    snapshots.file_of().write_text(before)

    with pytest.raises(CommandError, match="GET /gone: the operation is gone"):
        written()
    assert snapshots.file_of().read_text() == before

    assert written("--allow-breaking").splitlines() == [
        "GET /gone: the operation is gone",
        "GET /health: new",
    ]
    assert snapshots.read(snapshots.file_of()) == snapshots.plain()
