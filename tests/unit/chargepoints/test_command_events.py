"""command.finished of commands without an answer, stored by the waiting process: it names the sender."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import pytest

from chargepoints.models import ChargePoint, Command
from chargepoints.services import commands
from events.models import Event
from ocpp_server.events.catalogue import charging


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (commands.end_disconnected, "disconnected"),
        (commands.end_overdue, "timeout"),
        (commands.end_refused, "error"),
        (lambda id: commands.end_unanswered(id, "timeout", datetime.now(UTC)), "timeout"),
    ],
)
def test_every_end_names_who_sent_the_command(db: None, end: Callable[[str], object], state: str) -> None:
    now = datetime.now(UTC)
    commands.create(
        ChargePoint.objects.create(identity="CP-7"),
        id="c1",
        action="Reset",
        payload={},
        actor="ann",
        created_at=now,
        deadline_at=now,
    )

    end("c1")
    end("c1")

    data = orjson.loads(Event.objects.get(type=charging.COMMAND_FINISHED.name).data)
    assert charging.COMMAND_FINISHED.faults(data) == []
    assert (data["actor"], data["state"]) == ("ann", state)
    assert Command.objects.get().state == state
