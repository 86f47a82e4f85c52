"""Stations with a local list: no socket, and the rows in the transaction of the test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ocpp_server import capabilities, live
from ocpp_server.transport import calls
from tests.unit.configuration.local_list.stations import ListStation
from tests.unit.transactions.at_once import run_at_once

Connect = Callable[..., Awaitable[ListStation]]


@pytest.fixture
def connect(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connect a station of a version that has reported a capacity and these values."""

    async def made(version: str, **how: Any) -> ListStation:
        one = ListStation(version, **how)
        await live.state().connect(one.connection)
        monkeypatch.setattr(calls, "call", one.call)
        monkeypatch.setattr(capabilities.reports, "app", one)
        return one

    run_at_once(monkeypatch)
    live.reset()
    yield made
    live.reset()
