"""A real Redis for the session, and a queue in it for each test."""

from __future__ import annotations

import pytest

from ocpp_server import live
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store
from ocpp_server.transport.switchboard import switchboard
from tests.redis_fixtures import bench, engine
from tests.redis_scripts import QueueBench
from tests.unit.transport.queue.command_rows import CommandRows, StateInRedis

__all__ = ["bench", "engine"]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> CommandRows:
    """The rows of commands, and what was stored in them."""
    rows = CommandRows()
    monkeypatch.setattr(command_store.port, "app", rows)
    monkeypatch.setattr(journal, "run", rows.run)
    monkeypatch.setattr(journal, "commit", rows.commit)
    return rows


@pytest.fixture
def confirmed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The commands whose end was sent to the waiting process, with its channel."""
    found: list[tuple[str, str]] = []

    async def finished(message_id: str, reply_to: str) -> None:
        found.append((message_id, reply_to))

    monkeypatch.setattr(switchboard, "finished", finished)
    return found


@pytest.fixture
def state(bench: QueueBench, monkeypatch: pytest.MonkeyPatch) -> StateInRedis:
    """The live state of a process that sends commands."""
    state = StateInRedis(bench)
    monkeypatch.setattr(live, "state", lambda: state)
    return state
