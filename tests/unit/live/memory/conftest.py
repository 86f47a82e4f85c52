"""Fixtures of the tests of this folder."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from ocpp_server.live import extensions, memory, probes, recent
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.records import (
    Consumption,
    TokenRecord,
)
from ocpp_server.storage.journal import journal
from tests.unit.live.memory.states import TODAY


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test sets."""
    clock = SimpleNamespace(now=1_000.0)
    clock.monotonic = lambda: clock.now
    for module in (memory, probes, recent):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(timezone, "localdate", lambda: TODAY)
    return clock


@pytest.fixture
def state(clock: SimpleNamespace) -> MemoryState:
    return MemoryState()


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch, state: MemoryState) -> list[str]:
    """The subjects and tokens that were read from the database, which is the stand-in of an app here."""
    asked: list[str] = []

    class Stored:
        records: tuple[TokenRecord, ...] = ()
        day = TODAY
        meanwhile: Any = staticmethod(lambda: None)

        def read_all_tokens(self, keys: list[str]) -> list[tuple[TokenRecord, ...]]:
            asked.extend(keys)
            self.meanwhile()
            return [self.records for _ in keys]

        def read_consumption(self, subject: str) -> Consumption:
            asked.append(subject)
            return Consumption(self.day, len(asked), 0)

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async def run_batched(many: Any, item: Any) -> Any:
        return many([item])[0]

    monkeypatch.setattr(journal, "run", run)
    monkeypatch.setattr(journal, "run_batched", run_batched)
    monkeypatch.setattr(extensions.tokens, "app", Stored())
    return asked
