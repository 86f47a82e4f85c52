"""Messages of com.example.cabinet: stations report the temperature inside their cabinet.

    {"vendorId": "com.example.cabinet", "messageId": "Temperature", "data": "{\"celsius\": 71.5}"}

Start the server with OCPP_DATA_TRANSFER_MODULES=docs.examples.cabinet_temperature.
"""

from __future__ import annotations

from typing import Any

from chargepoints.services import security
from chargepoints.services.data_transfer import Reply, accepted, receives, rejected
from ocpp_server.live.station import Station

HOTTEST_C = 70.0


@receives("com.example.cabinet", "Temperature")
async def temperature(station: Station, data: Any) -> Reply:
    """Note a cabinet that is too hot, and ask for the next report sooner."""
    celsius = data.get("celsius") if isinstance(data, dict) else None
    if not isinstance(celsius, int | float):
        return rejected(reason="InvalidValue")
    if celsius > HOTTEST_C:
        security.notice(station=station, type="CabinetTooHot", tech_info=f"{celsius:.1f} °C")
    return accepted({"reportAfterS": 60 if celsius > HOTTEST_C else 3600})
