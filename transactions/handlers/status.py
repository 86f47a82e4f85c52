"""What other blocks' reports mean for transactions: a free connector (1.6 4.9, 2.0.1 G01), a restart."""

from __future__ import annotations

from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import also
from ocpp_server.protocol.versions import V2X, V16
from transactions.services import disagreement, interruptions


@also("StatusNotification", V16, *V2X)
@also("NotifyEvent", *V2X)
async def connector_reported(station: Station, request: dict[str, Any]) -> None:
    disagreement.end_refused(station)


@also("BootNotification", V16, *V2X)
async def booted(station: Station, request: dict[str, Any]) -> None:
    interruptions.note_boot(station)
