"""An event loop whose timers take no time: when nothing else is to do, its clock jumps to the next timer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest


def skip_waits(monkeypatch: pytest.MonkeyPatch, *, is_exact: bool = False) -> asyncio.AbstractEventLoop:
    """Let the clock of the running loop jump over its waits. A wait that nothing can end is an error.

    With `is_exact` the clock stands still otherwise: the time that the computer needs does not count.
    """
    loop: Any = asyncio.get_running_loop()
    real, skipped = loop._selector.select, 0.0

    def select(timeout: float | None) -> Any:
        nonlocal skipped
        found = real(5 if timeout is None else 0)
        if not found and timeout is None:
            raise AssertionError("Nothing is left to wait for.")
        if not found and timeout > 0:
            skipped += timeout
        return found

    monkeypatch.setattr(loop._selector, "select", select)
    began = time.monotonic()
    monkeypatch.setattr(loop, "time", lambda: (began if is_exact else time.monotonic()) + skipped)
    return loop
