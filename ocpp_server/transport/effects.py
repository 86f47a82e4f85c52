"""The effects of commands: what follows an accepted command, and shows that the station has done it.

A command with an effect waits for it until `effect_until`. The app that serves the message takes the effect
in the message's unit of work.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from ocpp_server.transport.command_store import Effect

# The names of effects, in events and in the API.
BOOTED: Final = "station-booted"
RECEIVED: Final = "message-received"

# The commands that ask for a message.
TRIGGERS: Final = frozenset({"TriggerMessage", "ExtendedTriggerMessage"})
# A station sends the requested message within this time of its answer.
MESSAGE_TIME: Final = timedelta(seconds=60)


def name_of(action: str) -> str:
    """The name of the effect of a command with this action."""
    return RECEIVED if action in TRIGGERS else BOOTED


def awaited(until: datetime) -> dict[str, Any]:
    """The columns of a command whose effect is awaited until then."""
    return {"effect": Effect.WAITING.value, "effect_until": until}


def seen() -> dict[str, Any]:
    """The columns of a command whose effect has come."""
    return {"effect": Effect.SEEN.value, "effect_until": None}
