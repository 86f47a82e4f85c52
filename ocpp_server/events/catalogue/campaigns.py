"""Events about campaigns."""

from __future__ import annotations

from typing import Final

from ocpp_server.events.types import COUNTS, TEXT, WHOLE, EventType, Field

_CAMPAIGN = Field("campaignId", WHOLE, "The campaign.")
_STATUS = Field("status", TEXT, "The campaign's state: running, paused, finished or cancelled.")
_COUNTS = Field("counts", COUNTS, "The number of its stations in each state.")
_EXAMPLE = {"waiting": 0, "claimed": 0, "sent": 0, "done": 48, "failed": 1, "skipped": 0, "offline": 1}

PROGRESSED: Final = EventType(
    "campaign.progressed",
    "Stations of a campaign came into other states.",
    (_CAMPAIGN, _STATUS, _COUNTS),
    {"campaignId": 12, "status": "running", "counts": {**_EXAMPLE, "waiting": 30, "done": 18}},
    is_starred=True,
)
FINISHED: Final = EventType(
    "campaign.finished",
    "Every station of a campaign has its result, or the campaign was cancelled.",
    (_CAMPAIGN, _STATUS, _COUNTS),
    {"campaignId": 12, "status": "finished", "counts": _EXAMPLE},
)

TYPES: Final = (PROGRESSED, FINISHED)
