"""The port of prices, for apps that may not import the app `tariffs`."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from ocpp_server.live.station import Station
from ocpp_server.ports import Port


class Price(Protocol):
    """The price of a session. The app `tariffs` fills the port."""

    def total_cost(self, station: Station, ocpp_id: str) -> Decimal | None:
        """The cost of a session of this station with tax: so far, or in all once it has ended. None where no
        price is known. `ocpp_id` is the id that the station uses for it.

        It runs with every TransactionEvent before the answer: no query, no error.
        """


price = Port[Price]("Price")
