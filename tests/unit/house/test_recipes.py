"""The pages docs/adding-*.md quote code that is in the tree."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

from tests.servers import ROOT

# A path alone at the end of a paragraph, and the code below it. The code may be indented, as part of a list.
_QUOTED = re.compile(r"`([\w/]+\.py)`:\n\n *```python\n(.*?)\n *```", re.DOTALL)
QUOTES = [
    (page.name, path, dedent(code))
    for page in sorted((ROOT / "docs").glob("adding-*.md"))
    for path, code in _QUOTED.findall(page.read_text("utf-8"))
]


def test_every_block_of_code_has_its_file() -> None:
    for page in (ROOT / "docs").glob("adding-*.md"):
        blocks = page.read_text("utf-8").count("```python")

        assert blocks == sum(name == page.name for name, _, _ in QUOTES) > 0, page.name


@pytest.mark.parametrize(("page", "path", "code"), QUOTES)
def test_the_quoted_code_is_in_its_file(page: str, path: str, code: str) -> None:
    lines = [line.strip() for line in (ROOT / path).read_text("utf-8").splitlines()]
    quoted = [line.strip() for line in code.splitlines()]

    assert any(lines[start : start + len(quoted)] == quoted for start in range(len(lines)))
