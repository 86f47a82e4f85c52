"""The port of prices and drivers' tariffs, for apps that may not import the app `tariffs`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol

from ocpp_server.live.station import Station
from ocpp_server.ports import Port
from ocpp_server.protocol.translate import IdToken


class Price(Protocol):
    """The price of a session, and the tariff of a driver. The app `tariffs` fills the port."""

    async def total_cost(self, station: Station, ocpp_id: str) -> Decimal | None:
        """The cost of a session of this station with tax: so far, or in all once it has ended. None where no
        price is known, or where the station calculates the cost (2.1 I12). `ocpp_id` is the id that the
        station uses for it.

        It runs with every TransactionEvent before the answer: no error, and a query a minute at most.
        """

    async def driver_tariff(self, station: Station, token: IdToken) -> dict[str, Any] | None:
        """The tariff of a driver for the session that may follow (2.1 I08), as OCPP has it; None for the
        default tariff of the station. No error.
        """


price = Port[Price]("Price")
