"""The table of CONTRIBUTING.md answers its questions: each path exists and defines the name beside it."""

from __future__ import annotations

import re

import pytest

from tests.servers import ROOT

ROWS = re.findall(
    r"^\| (.+\?) \| `([^`]+)` \| (?:`(\w+)`)? ?\|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE
)


def test_the_table_has_at_least_25_questions() -> None:
    assert len({question for question, _, _ in ROWS}) >= 25


@pytest.mark.parametrize(("question", "path", "name"), ROWS, ids=[row[0] for row in ROWS])
def test_the_path_exists_and_defines_the_name(question: str, path: str, name: str) -> None:
    target = ROOT / path

    assert target.exists(), f"{question} {path} does not exist."
    if name:
        definition = rf"^\s*(?:async def|def|class) {name}\b|^{name}\b[^=\n]*="
        assert re.search(definition, target.read_text(), re.MULTILINE), f"{path} does not define {name}."
