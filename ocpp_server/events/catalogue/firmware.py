"""Events about updates of firmware."""

from __future__ import annotations

from typing import Final

from ocpp_server.events.types import TEXT, WHOLE, EventType, Field

UPDATE_FINISHED: Final = EventType(
    "firmware.update_finished",
    "An update of the station's firmware has ended, or has gone silent.",
    (
        Field("updateId", WHOLE, "The number of the update in the API, and the requestId of its request."),
        Field("campaignId", WHOLE, "The campaign that it belongs to.", optional=True),
        Field("state", TEXT, "installed, failed, rejected, superseded or silent."),
        Field("version", TEXT, "The version that was to be installed; empty if unknown."),
        Field("fault", TEXT, "The reason of a failure as a sentence; empty if there is none."),
    ),
    {"updateId": 12, "campaignId": 3, "state": "installed", "version": "1.4.2", "fault": ""},
)

TYPES: Final = (UPDATE_FINISHED,)
