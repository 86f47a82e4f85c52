"""README.md lists the messages that are not served, each with the reason."""

from __future__ import annotations

import pytest

from ocpp_server import not_yet
from ocpp_server.checks import NOT_YET, WHY_NOT_YET


def test_the_list_in_the_readme_is_current() -> None:
    page = not_yet.README.read_text()

    assert not_yet.written(page) == page, "run python -m ocpp_server.not_yet"


def test_every_message_has_its_reason() -> None:
    assert {name for _, name in NOT_YET} == set(WHY_NOT_YET)
    assert all(f"| {name} |" in not_yet.block() for name in WHY_NOT_YET)


def test_a_page_without_the_block_is_refused() -> None:
    with pytest.raises(ValueError, match="no block"):
        not_yet.written("# A page\n")
