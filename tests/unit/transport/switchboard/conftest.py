"""Fixtures of the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import channel_layers

from ocpp_server import live
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store
from ocpp_server.transport.switchboard import Switchboard
from tests.unit.transport.instant import skip_waits
from tests.unit.transport.switchboard.doubles import (
    Shared,
)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Shared:
    shared = Shared()
    monkeypatch.setattr(live, "state", lambda: shared)
    return shared


@pytest.fixture
async def processes(
    monkeypatch: pytest.MonkeyPatch, state: Shared
) -> AsyncIterator[tuple[Switchboard, Switchboard]]:
    """The process of the caller and the one with the sockets."""
    skip_waits(monkeypatch)
    channel_layers.backends.clear()
    caller, holder = Switchboard(), Switchboard()
    await caller.start()
    await holder.start()
    yield caller, holder
    await caller.stop()
    await holder.stop()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that were ended as disconnected."""
    found: list[str] = []

    async def run(function: Any, *arguments: Any) -> None:
        assert function == command_store.port.app.end_disconnected
        found.extend(arguments)

    monkeypatch.setattr(journal, "run", run)
    return found
