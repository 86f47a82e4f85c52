"""Whether a station accepted a command, by the status word of its answer."""

from __future__ import annotations

from typing import Any

from ocpp_server.transport.command_store import State

# The status words by which a station accepts a command, for now or for later. Any other word rejects it.
_ACCEPTED = frozenset(
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
# Lists of results in 2.x answers, with the name of the status in each result.
_RESULTS = {
    "setVariableResult": "attributeStatus",
    "getVariableResult": "attributeStatus",
    "setMonitoringResult": "status",
    "clearMonitoringResult": "status",
}


def state_and_status(response: dict[str, Any]) -> tuple[str, str]:
    """The command's state and the status word. An answer without a status counts as accepted."""
    status = response.get("status")
    if not isinstance(status, str):
        words = [
            str(result.get(key, "")) for name, key in _RESULTS.items() for result in response.get(name) or ()
        ]
        status = next((word for word in words if word not in _ACCEPTED), words[0] if words else "")
    is_accepted = not status or status in _ACCEPTED
    return (State.ACCEPTED if is_accepted else State.REJECTED), status[:64]
