"""Fixtures of the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.live import probes, recent
from ocpp_server.live.memory import MemoryState
from ocpp_server.transport import station_store
from ocpp_server.transport.handshake import duplicates
from tests.unit.transport.clock import Clock
from tests.unit.transport.handshake.newer import Newer, older


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch, duplicates, recent, probes)


@pytest.fixture
def state() -> Iterator[Any]:
    live.reset()
    yield live.state()
    live.reset()


class Reports:
    """The reports of two devices with one identity, in place of the rows that would show them."""

    def __init__(self) -> None:
        self.found: list[tuple[Any, ...]] = []
        self.is_new = True
        self.error: Exception | None = None

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if self.error is not None:
            raise self.error
        return function(*arguments)

    def show_duplicate(self, *arguments: Any) -> bool:
        self.found.append(arguments)
        return self.is_new


@pytest.fixture(autouse=True)
def reports(monkeypatch: pytest.MonkeyPatch) -> Reports:
    kept = Reports()
    monkeypatch.setattr(duplicates, "journal", SimpleNamespace(run=kept.run))
    monkeypatch.setattr(
        station_store.port, "app", SimpleNamespace(show_duplicate=kept.show_duplicate), raising=False
    )
    return kept


@pytest.fixture
async def newer(clock: Clock, state: MemoryState) -> Callable[..., Newer]:
    """Make a further connection of CP-1, which has replaced its connections twice just now."""
    await state.connect(older())
    for _ in range(duplicates.LIMIT):
        assert await Newer(clock).enters()
    return lambda identity="CP-1": Newer(clock, identity)
