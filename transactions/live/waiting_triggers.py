"""Triggers that a station has accepted, while they wait for their messages, and the last messages that could
be triggered: some stations send the message before the answer.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from chargepoints.models import Command
from ocpp_server.live.extensions import ByKey, Slot
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import Sent, Trigger

# How long a message is kept, and how many: the answer to a trigger may take that long.
_KEPT_FOR: Final = timedelta(seconds=60)
_KEPT: Final = 16


class WaitingTrigger(msgspec.Struct, frozen=True):
    """An accepted trigger that waits for its message until then."""

    command_id: str
    asked: Trigger
    until: datetime


class LastMessages:
    """The last messages of a station, oldest first. They are stored nowhere: a reload forgets them."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: list[tuple[datetime, Sent]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LastMessages) and self._kept == other._kept

    __hash__ = None  # type: ignore[assignment] # it changes

    def add(self, message: Sent, at: datetime) -> None:
        """Keep a message for a trigger that is answered after it."""
        kept = self._kept
        if kept and at - kept[-1][0] > _KEPT_FOR:
            kept.clear()
        elif len(kept) >= _KEPT:
            del kept[0]
        kept.append((at, message))

    def answer(self, asked: Trigger, since: datetime) -> bool:
        """Whether the requested message has come since then."""
        return any(at >= since and translate.answers(message, asked) for at, message in self._kept)


def load_waiting_triggers(by_pk: ByKey) -> None:
    """Load the accepted triggers whose messages have not come yet."""
    waiting = Command.objects.awaiting_message().filter(
        charge_point__in=by_pk, effect_until__gt=datetime.now(UTC)
    )
    rows = waiting.values_list("charge_point_id", "id", "payload", "effect_until")
    for charge_point, command_id, payload, until in rows:
        assert until is not None  # a condition of the query
        asked = translate.trigger(payload)
        for station in by_pk[charge_point]:
            TRIGGERS.of(station).append(WaitingTrigger(command_id, asked, until))


TRIGGERS: Final = Slot(name="triggers", empty=list[WaitingTrigger], load=load_waiting_triggers)
LAST_MESSAGES: Final = Slot(name="last_messages", empty=LastMessages)
