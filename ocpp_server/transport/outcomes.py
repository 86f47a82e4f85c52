"""Whether a station agreed to a command, by the status word of its answer."""

from __future__ import annotations

from typing import Any

from ocpp_server.transport.command_store import State

# The status words that mean yes, now or later. Any other word means no.
_AGREED = frozenset(
    {
        "Accepted",
        "AcceptedCanceled",
        "Scheduled",
        "Unlocked",
        "RebootRequired",
        "Processing",
        "InstallScheduled",
        "DownloadScheduled",
        "Ok",
    }
)
# Lists of results in 2.x answers, each with a status of its own.
_RESULTS = {
    "setVariableResult": "attributeStatus",
    "getVariableResult": "attributeStatus",
    "setMonitoringResult": "status",
    "clearMonitoringResult": "status",
}


def judge(response: dict[str, Any]) -> tuple[str, str]:
    """The command's state and the status word. An answer without a status counts as agreement."""
    status = response.get("status")
    if not isinstance(status, str):
        words = [
            str(result.get(word, ""))
            for name, word in _RESULTS.items()
            for result in response.get(name) or ()
        ]
        status = next((word for word in words if word not in _AGREED), words[0] if words else "")
    agreed = not status or status in _AGREED
    return (State.ACCEPTED if agreed else State.REJECTED), status[:64]
