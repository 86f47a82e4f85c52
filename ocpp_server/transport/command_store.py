"""The port `CommandStore`: the rows of commands. The app `chargepoints` fills it.

The functions use the database directly; the transport runs them in the journal.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from ocpp_server.ports import Port
from ocpp_server.storage.unit import Unit

# The error code of a command that was refused because the queue of its station is full.
QUEUE_FULL = "QueueFull"
# The description of a command whose deadline has passed before it was sent.
NOT_SENT = (
    "It was not sent in time: the station has to boot or to send another message first, and to answer the "
    "command before."
)


class State(StrEnum):
    """The states of a command as they are stored. All but QUEUED and SENT are final."""

    QUEUED = "queued"
    SENT = "sent"
    ACCEPTED = "accepted"
    PARTIAL = "partial"
    EMPTY = "empty"
    REJECTED = "rejected"
    ERROR = "error"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    INVALID = "invalid"
    LATE = "late"


class Effect(StrEnum):
    """The state of what a command leads to: a boot, or a requested message (`transport.effects`)."""

    WAITING = "waiting"
    SEEN = "seen"
    MISSED = "missed"


class Addressee(Protocol):
    """The row of a station to which a command is sent."""

    ocpp_version: str

    @property
    def pk(self) -> int: ...
    @property
    def identity(self) -> str: ...
    @property
    def registration_status(self) -> str: ...
    @property
    def security_profile(self) -> int: ...
    @property
    def next_security_profile(self) -> int | None: ...


class StoredCommand(Protocol):
    """The row of a command."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def error_code(self) -> str: ...


class Unanswered(Protocol):
    """A command that ended without an answer, as the message log needs it."""

    @property
    def pk(self) -> int:
        """The key of the station."""

    @property
    def action(self) -> str: ...
    @property
    def awaits_boot(self) -> bool:
        """Whether it has not ended: the station restarts because of it and will boot."""


class CommandStore(Protocol):
    """The storage of commands. A module with these functions can fill the port, as an object can."""

    def create(
        self,
        charge_point: Any,
        *,
        id: str,
        action: str,
        payload: dict[str, Any],
        actor: str,
        created_at: datetime,
        deadline_at: datetime,
    ) -> StoredCommand:
        """Insert a queued command to this `Addressee` and return its row."""

    def load(self, command_id: str) -> StoredCommand:
        """The row as it is now."""

    def store_result(
        self, unit: Unit, command_id: str, *, finished_at: datetime | None, **columns: Any
    ) -> None:
        """Add the final state and the answer of a command to a unit of work. `finished_at` is None for one
        that waits for a boot.
        """

    def mark_sent(self, command_id: str, at: datetime) -> None:
        """Store the time when the frame was sent, from this process or through a gateway."""

    def mark_late(self, command_id: str, payload: str) -> None:
        """Store the answer to a command that had timed out; `payload` is its JSON text."""

    def end_disconnected(self, command_id: str) -> None:
        """End a command that was not delivered to a station."""

    def end_overdue(self, command_id: str) -> None:
        """End a command whose deadline has passed and that has no final state."""

    def end_refused(self, command_id: str) -> None:
        """End a command that was refused because the queue of its station is full."""

    def end_unanswered(
        self, command_id: str, state: str, at: datetime, *, sent_at: datetime | None = None
    ) -> Unanswered | None:
        """End a command with this state. Returns None when it has ended before. A command that was sent and
        restarts the station waits for its boot.
        """

    def has_timed_out(self, command_id: str, charge_point_pk: int) -> bool:
        """Whether this command to this station ended without an answer in time."""

    def is_finished(self, command_id: str) -> bool:
        """Whether the command has a final state."""


port = Port[CommandStore]("CommandStore")
