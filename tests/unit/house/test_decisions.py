"""Every decision is a file with a status and a date, and is listed in the index."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tests.servers import ROOT

FOLDER = ROOT / "docs" / "decisions"
DECISIONS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
STATUS = re.compile(r"^Status: ((?:accepted|proposed|superseded by \d{4})(?:; .+)?)$", re.MULTILINE)
ROW = re.compile(r"^\| (\d{4}) \| \[(.+)\]\((.+\.md)\) \| (.+) \| (.+) \|$", re.MULTILINE)
INDEX = {row[3]: row for row in ROW.finditer((FOLDER / "README.md").read_text())}


def test_the_index_lists_the_files_by_number() -> None:
    assert list(INDEX) == [path.name for path in DECISIONS]
    assert [row[1] for row in INDEX.values()] == [f"{number:04}" for number in range(1, len(INDEX) + 1)]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_a_status_and_a_date_and_the_index_agrees(path: Path) -> None:
    text = path.read_text()
    status, recorded = STATUS.search(text), re.search(r"^Date: (\S+)$", text, re.MULTILINE)
    row = INDEX[path.name]

    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert status and recorded and date.fromisoformat(recorded[1])
    assert text.startswith(f"# {int(row[1])}. {row[2]}\n")
    assert (row[1], row[4], row[5]) == (path.name[:4], status[1], recorded[1])
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences"]
