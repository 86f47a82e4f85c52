"""The rule of a log's state: computed from what is known of it, so that a restart of a process loses nothing.

1.6 4.4 and the security extension (GetLog), 2.x N01.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from chargepoints.models import Command, LogUpload

State = LogUpload.State

# Words of stations. Idle answers a TriggerMessage and says nothing about an upload.
IDLE: Final = "Idle"
UPLOADED: Final = "Uploaded"
# Of the answer: the station begins this log instead of the one before (N01.FR.12). Of a notification: it has
# ended that one.
REPLACED: Final = "AcceptedCanceled"
_UPLOADING: Final = "Uploading"

# The states in which something may still come.
OPEN: Final = (State.REQUESTED, State.ACCEPTED, State.UPLOADING)

_REFUSED: Final = (Command.State.REJECTED, Command.State.EMPTY)
_UNANSWERED: Final = (
    Command.State.ERROR,
    Command.State.TIMEOUT,
    Command.State.DISCONNECTED,
    Command.State.INVALID,
)


class Evidence(NamedTuple):
    """The facts about a log.

    `command` is the state of its command, and `status` the station's last notification that says something.
    `is_received_here`: the station got an address of this server. `fault`: the server has refused the last
    file that it began to receive (`has_begun`). `is_replaced`: the station has answered the next request with
    AcceptedCanceled.
    """

    command: str = ""
    status: str = ""
    is_received_here: bool = True
    has_begun: bool = False
    has_file: bool = False
    fault: str = ""
    is_replaced: bool = False
    is_expired: bool = False


def state_of(known: Evidence) -> LogUpload.State:
    """The state of a log. A file that has arrived counts more than any notification."""
    if known.has_file:
        return State.RECEIVED
    state = _reported(known)
    return State.EXPIRED if state in OPEN and known.is_expired else state


def _reported(known: Evidence) -> LogUpload.State:
    if known.is_replaced or known.status == REPLACED:
        return State.CANCELED
    if known.fault:
        return State.FAILED
    if known.status == UPLOADED:
        # The file has not arrived here, in spite of the notification.
        return State.FAILED if known.is_received_here else State.UPLOADED
    if known.status == _UPLOADING or (known.has_begun and not known.status):
        return State.UPLOADING
    if known.status:
        return State.FAILED
    if known.command in _REFUSED:
        return State.REJECTED
    if known.command in _UNANSWERED:
        return State.FAILED
    return State.ACCEPTED if known.command == Command.State.ACCEPTED else State.REQUESTED
