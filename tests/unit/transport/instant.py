"""An event loop whose timers take no time: when nothing else is to do, its clock jumps to the next timer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest


def skip_waits(monkeypatch: pytest.MonkeyPatch, *, only_jumps: bool = False) -> asyncio.AbstractEventLoop:
    """Let the clock of the running loop jump over its waits. A wait that nothing can end is an error.

    With `only_jumps` the clock stands still between the jumps, so that a slow machine sees the same times.
    """
    loop: Any = asyncio.get_running_loop()
    began = time.monotonic()
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
    monkeypatch.setattr(loop, "time", lambda: (began if only_jumps else time.monotonic()) + skipped)
    return loop
