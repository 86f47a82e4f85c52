"""The port `Quarantine`: messages about money that cannot be handled are kept. `transactions` fills it.

A station discards a message that was answered, with an error too: what is not kept here is lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from ocpp_server.live.station import Station
from ocpp_server.ports import Port
from ocpp_server.protocol.dispatch import Exchange


class Quarantine(Protocol):
    """Where such messages are kept. A module with these functions fills the port as well as an object."""

    async def keep_refused(self, station: Station, exchange: Exchange) -> None:
        """Add a request that is answered with an error to its own unit of work, if it is worth keeping."""

    def keep_given_up(
        self, charge_point_pk: int, action: str, payload: str, detail: str, received_at: datetime
    ) -> None:
        """Keep a request that could not be handled after several attempts. Runs in the journal."""

    async def answer_given_up(self, action: str) -> dict[str, Any]:
        """The payload that answers such a request, so that the station does not send it again."""


port = Port[Quarantine]("Quarantine")
