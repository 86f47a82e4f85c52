"""A clock of the event loop that stands still while something runs, and else jumps to the next timer."""

from __future__ import annotations

import asyncio
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest


class Clock:
    """The time of the running loop, in seconds since the test began. A wait that nothing can end is an error.

    The modules read `time.monotonic` from this clock too.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
        self._skipped = 0.0
        self._loop = loop = cast("Any", asyncio.get_running_loop())
        self._select = loop._selector.select
        monkeypatch.setattr(loop._selector, "select", self._wait)
        monkeypatch.setattr(loop, "time", self._monotonic)
        for module in modules:
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=self._monotonic))

    @property
    def now(self) -> float:
        return self._skipped

    def _monotonic(self) -> float:
        return 4096.0 + self._skipped  # not near 0: a process has run for a while

    def _wait(self, timeout: float | None) -> Any:
        found = self._select(5 if timeout is None else 0)
        if not found and timeout is None:
            raise AssertionError("Nothing is left to wait for.")
        self._skipped += 0.0 if found or timeout is None else max(timeout, 0.0)
        return found

    def timers(self) -> int:
        """The number of timers that have not been cancelled."""
        return sum(not handle.cancelled() for handle in self._loop._scheduled)
