"""One driver has a tariff; all others have the default tariff of the station.

Start the server with OCPP_DRIVER_TARIFF=docs.examples.driver_tariff.of_token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken

TAX: Final = [{"type": "VAT", "tax": 20}]
# Prices are without tax, those of time per minute. Another content needs another tariffId.
FLEET: Final = {
    "tariffId": "fleet-2026-1",
    "currency": "EUR",
    "energy": {"prices": [{"priceKwh": 0.25}], "taxRates": TAX},
    "idleTime": {"prices": [{"priceMinute": 0.1}], "taxRates": TAX},
    "fixedFee": {"prices": [{"priceFixed": 0.5}], "taxRates": TAX},
}
DRIVERS: Final = {"ALICE0001": FLEET}


def of_token(station: Station, token: IdToken) -> Mapping[str, Any] | None:
    """The tariff of the driver with this token."""
    return DRIVERS.get(token.value)
