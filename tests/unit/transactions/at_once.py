"""Coroutines without an event loop and the journal without its thread: all in the transaction of the test."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import pytest

from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit

P = ParamSpec("P")


def at_once(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make a function of a test that never waits: the ORM refuses its use within an event loop."""

    @wraps(test)
    def run(*args: P.args, **more: P.kwargs) -> None:
        coroutine = test(*args, **more)
        try:
            coroutine.send(None)
        except StopIteration:
            return
        coroutine.close()
        pytest.fail("The test has waited.")

    return run


def run_at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Let `journal.run` call its function, and return it; `Unit.run` too, although nothing is committed."""

    async def run(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return function(*args, **more)

    def run_of_unit(_unit: Unit, function: Callable[..., Any], *args: Any, **more: Any) -> None:
        function(*args, **more)

    monkeypatch.setattr(journal, "run", run)
    monkeypatch.setattr(Unit, "run", run_of_unit)
    return run
