"""The OpenAPI document is in the tree, and no change of it breaks clients without notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocpp_server.api import compatibility, snapshots

FILES = sorted(snapshots.FOLDER.glob("*.json"))
WRITE = "Run `manage.py api_docs`."


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_change_breaks_the_clients_of_a_version(file: Path) -> None:
    lines = compatibility.breaking(snapshots.read(file), snapshots.plain())

    assert not lines, "\n".join(["These changes break clients:", *lines])


def test_the_document_of_this_version_is_in_the_tree() -> None:
    file = snapshots.file_of()

    assert file in FILES, WRITE
    assert snapshots.read(file) == snapshots.plain(), WRITE
