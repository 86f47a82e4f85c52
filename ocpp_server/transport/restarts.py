"""Commands that restart a station: the station may drop the connection before it answers (decision 0069).

Such a command has not failed: it waits for the station's BootNotification, which the app `chargepoints` sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from ocpp_server.protocol import actions
from ocpp_server.transport import effects
from ocpp_server.transport.command_store import State

# Stations take from half a minute to some minutes until they boot.
BOOT_TIME: Final = timedelta(minutes=10)
# A scheduled reset waits for the end of the running sessions.
SCHEDULED_TIME: Final = timedelta(days=1)


def restarts(action: str, payload: Mapping[str, Any]) -> bool:
    """Whether the whole station restarts because of this command. The reset of one EVSE (2.x) has no boot."""
    return action in actions.RESTARTS and "evseId" not in payload


def awaiting(since: datetime, *, is_scheduled: bool = False) -> dict[str, Any]:
    """The columns of a command whose station will boot."""
    return effects.awaited(since + (SCHEDULED_TIME if is_scheduled else BOOT_TIME))


def unanswered(state: str, at: datetime, sent_at: datetime | None) -> dict[str, Any]:
    """The columns of a restarting command that ended without an answer; none if it was not sent.

    A dropped connection is what restarts do: the command stays open until the boot. One that timed out has
    ended for its caller, and its boot is only noted.
    """
    if sent_at is None or state not in (State.DISCONNECTED, State.TIMEOUT):
        return {}
    columns = awaiting(at) | {"sent_at": sent_at}
    return columns | ({"state": State.SENT.value} if state == State.DISCONNECTED else {})
