"""The part of a live station that decides about the costs that are sent to it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from ocpp_server.live.extensions import Slot


class SentCost(msgspec.Struct):
    """The cost of a session that its station got last; None for none. `at`: when it was sent or compared."""

    cost: Decimal | None
    at: datetime


class Costs(msgspec.Struct):
    """The default tariffs of the station as of `tariffs_read_at`, each as its EVSE (0 for every one) and the
    time from which it is valid; and the costs that were sent, by the number of the session.
    """

    tariffs: tuple[tuple[int, datetime | None], ...] = ()
    tariffs_read_at: datetime | None = None
    sent: dict[int, SentCost] = msgspec.field(default_factory=dict)


COSTS: Final = Slot(name="costs", empty=Costs)
