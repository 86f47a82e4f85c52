"""Messages between processes over the channel layer: structs in a process, plain dicts in the layer.

The dicts are a contract between releases: during a deployment a process of the previous release reads the
messages of this one. A test pins `type`, the keys and their order. Unknown keys are ignored.

| `type` | struct | sent to |
|---|---|---|
| `station.call` | `StationCall` | the process that holds the socket |
| `station.replaced` | `StationReplaced` | the process whose connection a newer one replaced |
| `station.changed` | `StationChanged` | the process that serves the station |
| `station.dismissed` | `StationDismissed` | the process that holds the socket |
| `command.taken` | `CommandTaken` | the process that sent a `StationCall` |
| `command.finished` | `CommandFinished` | the process that waits for a command or for a replaced connection |
| `events.written` | `EventsWritten` | the group `events`: the process that numbers events |
| `events.numbered` | `EventsNumbered` | the group `events.readers`: the processes with streams of events |
"""

from __future__ import annotations

from typing import Any

import msgspec


class Unreadable(ValueError):
    """A dict from the channel layer does not fit any of these messages."""


class StationCall(msgspec.Struct, kw_only=True, tag_field="type", tag="station.call"):
    """Send a command to a station. `timeout` is in seconds, `reply_to` the channel of the waiting process.

    `hops` counts how often the command has followed a station to another connection. `actor` is who sent it;
    the process of an earlier release sends none.
    """

    identity: str
    hops: int = 0
    id: str
    action: str
    payload: dict[str, Any]
    timeout: float
    reply_to: str
    connection_id: str = ""
    actor: str = ""


class StationReplaced(msgspec.Struct, kw_only=True, tag_field="type", tag="station.replaced"):
    """Finish the current message and close; confirm it to `reply_to` by a `CommandFinished` with this id."""

    connection_id: str
    id: str
    reply_to: str


class StationChanged(msgspec.Struct, kw_only=True, tag_field="type", tag="station.changed"):
    """Load the station again: its row in the database has changed."""

    connection_id: str = ""


class StationDismissed(msgspec.Struct, kw_only=True, tag_field="type", tag="station.dismissed"):
    """Close the socket with this WebSocket code and reason."""

    connection_id: str = ""
    code: int
    reason: str


class CommandTaken(msgspec.Struct, kw_only=True, tag_field="type", tag="command.taken"):
    """Confirm that the process that holds the socket has received the command."""

    id: str


class CommandFinished(msgspec.Struct, kw_only=True, tag_field="type", tag="command.finished"):
    """The command has its final state in the database."""

    id: str


class EventsWritten(msgspec.Struct, kw_only=True, tag_field="type", tag="events.written"):
    """Events were committed and have no number yet. A lost message costs a second: the reader also polls."""


class EventsNumbered(msgspec.Struct, kw_only=True, tag_field="type", tag="events.numbered"):
    """Events have got their numbers. A lost message costs a second: the readers also poll."""


# Messages about one connection. The switchboard fills in `connection_id` of those that it addresses itself.
Notice = StationChanged | StationDismissed
ToConnection = StationCall | StationReplaced | Notice
AboutEvents = EventsWritten | EventsNumbered
Message = ToConnection | CommandTaken | CommandFinished | AboutEvents


def pack(message: Message) -> dict[str, Any]:
    """The dict that goes over the channel layer."""
    return {"type": type(message).__struct_config__.tag, **msgspec.structs.asdict(message)}


def unpack(packed: dict[str, Any]) -> Message:
    """The struct of a dict from the channel layer. Raises Unreadable."""
    try:
        message: Message = msgspec.convert(packed, Message)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from None
    return message
