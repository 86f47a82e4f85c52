"""Events about alerts."""

from __future__ import annotations

from typing import Any, Final

from ocpp_server.events.types import TEXT, TIME, WHOLE, EventType, Field

_FIELDS: Final = (
    Field("alertId", WHOLE, "The number of the alert in the API."),
    Field("code", TEXT, "The kind of alert, see docs/alerts.md."),
    Field("key", TEXT, "Names the cause: at most one unresolved alert has it."),
    Field("severity", TEXT, "info, warning or critical."),
    Field("state", TEXT, "open, acknowledged or resolved."),
    Field(
        "suppression",
        TEXT,
        "Why there are no notices: inhibited (another alert explains it), maintenance, or empty.",
    ),
    Field("title", TEXT, "The cause in one sentence."),
    Field("detail", TEXT, "The last known facts; may be empty."),
    Field("whatToDo", TEXT, "The next steps of an operator."),
    Field("openedAt", TIME, "When it was opened, the last time."),
    Field("resolvedAt", TIME, "When it was resolved; null before.", optional=True),
    Field("acknowledgedBy", TEXT, "The operator who has acknowledged it; null before.", optional=True),
    Field("count", WHOLE, "How often the cause was noticed."),
    Field("episode", WHOLE, "How often it was opened."),
    Field("url", TEXT, "Its page in the admin."),
)
_EXAMPLE: Final[dict[str, Any]] = {
    "alertId": 91,
    "code": "offline",
    "key": "offline:CP-7",
    "severity": "warning",
    "state": "open",
    "suppression": "",
    "title": "CP-7 has been offline since 14:05 UTC",
    "detail": "",
    "whatToDo": "Check its power and its network.",
    "openedAt": "2026-11-28T14:10:09.000Z",
    "resolvedAt": None,
    "acknowledgedBy": None,
    "count": 1,
    "episode": 1,
    "url": "https://ocpp.example.com/admin/alerts/alert/91/change/",
}

OPENED: Final = EventType(
    "alert.opened",
    "An alert was opened, or opened again. One that was suppressed is opened a second time when nothing "
    "suppresses it any more.",
    _FIELDS,
    _EXAMPLE,
)
ACKNOWLEDGED: Final = EventType(
    "alert.acknowledged",
    "An operator has acknowledged an alert.",
    _FIELDS,
    {**_EXAMPLE, "state": "acknowledged", "acknowledgedBy": "ann"},
)
ESCALATED: Final = EventType(
    "alert.escalated",
    "The severity of an alert has risen. An acknowledged one is open again.",
    _FIELDS,
    {**_EXAMPLE, "severity": "critical"},
)
RESOLVED: Final = EventType(
    "alert.resolved",
    "The cause of an alert is over, or an operator has resolved it.",
    _FIELDS,
    {**_EXAMPLE, "state": "resolved", "resolvedAt": "2026-11-28T14:31:40.000Z"},
)

TYPES: Final = (OPENED, ACKNOWLEDGED, ESCALATED, RESOLVED)
