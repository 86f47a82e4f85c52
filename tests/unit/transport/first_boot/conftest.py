"""The refusals that are counted and stored while a test runs."""

from __future__ import annotations

import pytest

from ocpp_server.transport.handshake import admission, denial
from ocpp_server.transport.handshake.admission import Handshake, Refusal
from ocpp_server.transport.handshake.per_minute import PerMinute


@pytest.fixture(autouse=True)
def counter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the refusals of each test apart: later tests have the whole limit of the address."""
    monkeypatch.setattr(denial, "_recorded", PerMinute())


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Handshake, Refusal]]:
    """The refusals that were stored."""
    found: list[tuple[Handshake, Refusal]] = []

    async def record(handshake: Handshake, refusal: Refusal) -> None:
        found.append((handshake, refusal))

    monkeypatch.setattr(admission, "record", record)
    return found
