"""Stations whose answers a test gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server import capabilities, live
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from tests.unit.configuration.commands.answering import AnsweringStation
from tests.unit.configuration.commands.scripted import Answer, ScriptedStation

Connect = Callable[..., Awaitable[ScriptedStation]]
ConnectStored = Callable[..., Awaitable[AnsweringStation]]
Run = Callable[..., Awaitable[Any]]


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


@pytest.fixture
def answering(
    run_orm: Callable[..., Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Awaitable[AnsweringStation]]:
    """Connect a stored station that gives these answers."""

    async def connect(version: str, *answers: Any, **reported: str) -> AnsweringStation:
        one = AnsweringStation(version, *answers, **reported)
        one.row = await run_orm(ChargePoint.objects.create, identity="CP-1", ocpp_version=version)
        await live.state().connect(one.connection)

        async def check(*args: Any) -> None: ...

        monkeypatch.setattr(calls, "call", one.call)
        monkeypatch.setattr(calls, "check", check)
        monkeypatch.setattr("ocpp_server.capabilities.reports.app", one)
        return one

    return connect
