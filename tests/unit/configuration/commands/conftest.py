"""Stations whose answers a test gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ocpp_server import capabilities, live
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from tests.unit.configuration.commands.scripted import Answer, ScriptedStation

Connect = Callable[..., Awaitable[ScriptedStation]]


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connect a station of a version that gives these answers and has reported these values."""

    async def run(function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    async def connect(version: str, *answers: Answer, **reported: str) -> ScriptedStation:
        one = ScriptedStation(version, *answers, **reported)
        await live.state().connect(one.connection)
        monkeypatch.setattr(calls, "call", one.call)
        monkeypatch.setattr(capabilities.reports, "app", one)
        monkeypatch.setattr(journal, "run", run)
        return one

    live.reset()
    yield connect
    live.reset()
