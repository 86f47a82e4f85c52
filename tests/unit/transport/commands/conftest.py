"""Fixtures of the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.observability import measures
from ocpp_server.observability.measures import Tally
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_queue, command_results, conversation
from tests.unit.transport.clock import Clock
from tests.unit.transport.commands.desk import Desk
from tests.unit.transport.conversation.line import Published


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch, command_queue, command_results, conversation)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Published:
    published = Published()
    monkeypatch.setattr(live, "state", lambda: published)
    return published


@pytest.fixture
def make_desk(clock: Clock, state: Published, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Desk]:
    """Make the connection of a station; the journal is its own."""
    monkeypatch.setattr(measures, "commands", Tally("action", "state"))
    monkeypatch.setattr(measures, "round_trips", {})

    def make(version: str = "ocpp1.6", **more: Any) -> Desk:
        made = Desk(clock, version, **more)
        monkeypatch.setattr(journal, "commit", made.commit)
        monkeypatch.setattr(journal, "run", made.run)
        return made

    return make


@pytest.fixture
async def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A station of OCPP 1.6 that has sent its first message."""
    made = make_desk()
    await made.ready()
    return made
