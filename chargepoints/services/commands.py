"""Commands that end without a word of the station."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from chargepoints.models import Command
from ocpp_server.domain import QueueFull
from ocpp_server.observability import measures

log = structlog.get_logger(__name__)

# The error code of a command that was not even put into the line.
QUEUE_FULL = "QueueFull"


def end_disconnected(command_id: str) -> None:
    """Close a command that reached no station."""
    _end(command_id, Command.State.DISCONNECTED)


def end_overdue(command_id: str) -> None:
    """Close a command that nobody answered and nobody closed; a late end of the holder changes nothing
    then.
    """
    _end(command_id, Command.State.TIMEOUT)


def end_refused(command_id: str) -> None:
    """Close a command for which the line of its station is too long."""
    refusal = {"error_code": QUEUE_FULL, "error_description": QueueFull.sentence}
    _end(command_id, Command.State.ERROR, **refusal)


def _end(command_id: str, state: Command.State, **values: str) -> None:
    still_open = Command.objects.unfinished().filter(pk=command_id)
    found = still_open.values_list("charge_point__identity", "action").first()
    if found and still_open.update(state=state, finished_at=datetime.now(UTC), **values):
        station, action = found
        measures.finished(action, state, None)
        log.info("command.finished", station=station, message_id=command_id, action=action, state=str(state))
