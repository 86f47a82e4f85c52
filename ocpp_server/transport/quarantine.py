"""The port `Quarantine`: it stores messages about transactions that the server cannot handle. The app
`transactions` fills it.

A station discards a message once it is answered, even with an error. Without the quarantine it would be lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from ocpp_server.live.station import Station
from ocpp_server.ports import Port
from ocpp_server.protocol.dispatch import Exchange


class Quarantine(Protocol):
    """The storage of such messages. A module with these functions can fill the port, as an object can."""

    async def keep_refused(self, station: Station, exchange: Exchange) -> None:
        """Add a request that is answered with an error to its own unit of work, if it is worth keeping."""

    def keep_given_up(
        self, charge_point_pk: int, action: str, payload: str, detail: str, received_at: datetime
    ) -> None:
        """Store a request that could not be handled after several attempts. Runs in the journal."""

    async def answer_given_up(self, action: str) -> dict[str, Any]:
        """The payload that answers such a request, so that the station does not send it again."""


port = Port[Quarantine]("Quarantine")
