"""Settings of the tests of webhooks: receivers are on this machine, and pauses are short."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from events.services.webhooks import schedule


@pytest.fixture(autouse=True)
def local_receivers(settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.WEBHOOK_ALLOW_HTTP = True


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "PAUSES_S", (0.05,))
    monkeypatch.setattr(schedule, "EVENT_PAUSES_S", (0.05, 0.05, 0.05, 0.05))
