"""Commands that restart a station: they wait for its boot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.transport import restarts

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SENT = NOW - timedelta(seconds=5)
WAITING = {"effect": "waiting", "effect_until": NOW + timedelta(minutes=10)}


@pytest.mark.parametrize(
    ("action", "payload", "is_restart"),
    [
        ("Reset", {"type": "Hard"}, True),
        ("Reset", {"type": "Immediate", "evseId": 1}, False),
        ("ClearCache", {}, False),
    ],
)
def test_a_reset_of_the_whole_station_restarts_it(
    action: str, payload: dict[str, Any], is_restart: bool
) -> None:
    assert restarts.restarts(action, payload) is is_restart


def test_a_station_has_ten_minutes_to_boot_and_a_day_after_a_scheduled_reset() -> None:
    assert restarts.awaiting(NOW) == WAITING
    assert restarts.awaiting(NOW, is_scheduled=True) == WAITING | {"effect_until": NOW + timedelta(days=1)}


@pytest.mark.parametrize(
    ("state", "sent_at", "columns"),
    [
        ("disconnected", SENT, WAITING | {"sent_at": SENT, "state": "sent"}),
        ("timeout", SENT, WAITING | {"sent_at": SENT}),
        ("rejected", SENT, {}),
        ("disconnected", None, {}),
        ("timeout", None, {}),
    ],
)
def test_a_restart_without_an_answer_waits_for_the_boot_if_it_was_sent(
    state: str, sent_at: datetime | None, columns: dict[str, Any]
) -> None:
    assert restarts.unanswered(state, NOW, sent_at) == columns
