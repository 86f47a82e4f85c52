"""The journal without its thread: a look-up reads the database of the test at once, in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ocpp_server.storage.journal import journal


@pytest.fixture
def same_thread(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return function(*args, **more)

    monkeypatch.setattr(journal, "run", run)


def result_of(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing. There is no event loop, so the ORM works in it."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("The coroutine waits.")
