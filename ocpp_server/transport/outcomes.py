"""What an answer's status word means for the command: did the station agree?"""

from __future__ import annotations

from typing import Any

from chargepoints.models import Command

# Everything that says yes, or yes but later. Whatever else a `status` says is a no.
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
    """The command's state and the status word. Answers without a status agree by coming at all."""
    status = response.get("status")
    if not isinstance(status, str):
        words = [
            str(result.get(word, ""))
            for name, word in _RESULTS.items()
            for result in response.get(name) or ()
        ]
        status = next((word for word in words if word not in _AGREED), words[0] if words else "")
    agreed = not status or status in _AGREED
    return (Command.State.ACCEPTED if agreed else Command.State.REJECTED), status[:64]
