"""Fixtures of the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.live.station import Station
from ocpp_server.protocol import registry
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import journal
from ocpp_server.transport import quarantine
from tests.unit.transport.conversation.line import (
    Line,
    Published,
)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Published:
    published = Published()
    monkeypatch.setattr(live, "state", lambda: published)
    return published


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, state: Published) -> Iterator[Any]:
    """Make a line of a version; the journal is its own. It keeps quarantined messages as a log entry."""

    def make(version: str = V16, **more: Any) -> Line:
        made = Line(version, **more)

        async def keep_refused(station: Station, exchange: Any) -> None:
            made.log.append(("kept", exchange.error.code))

        monkeypatch.setattr(journal, "commit", made.commit)
        monkeypatch.setattr(journal, "run", made.run)
        monkeypatch.setattr(quarantine.port, "app", SimpleNamespace(keep_refused=keep_refused))
        return made

    return make


@pytest.fixture
def after(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Handlers that run after the answer to a heartbeat."""
    handlers: list[Any] = []
    monkeypatch.setattr(registry, "after_handlers", lambda version, action: tuple(handlers))
    return handlers
