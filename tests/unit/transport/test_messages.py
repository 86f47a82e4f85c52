"""Messages between processes have the wire form of the releases before the structs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ocpp_server.transport import messages
from ocpp_server.transport.messages import (
    CommandFinished,
    CommandTaken,
    EventsNumbered,
    EventsWritten,
    Message,
    StationCall,
    StationChanged,
    StationDismissed,
    StationReplaced,
)

WIRE: list[tuple[Message, dict[str, Any]]] = [
    (
        StationCall(
            identity="CP-7",
            id="c1",
            action="Reset",
            payload={"type": "Soft", "list": [1, None, {"a": 1.5}]},
            timeout=30,
            reply_to="process.1",
            connection_id="k1",
            actor="ann",
        ),
        {
            "type": "station.call",
            "identity": "CP-7",
            "hops": 0,
            "id": "c1",
            "action": "Reset",
            "payload": {"type": "Soft", "list": [1, None, {"a": 1.5}]},
            "timeout": 30,
            "reply_to": "process.1",
            "connection_id": "k1",
            "actor": "ann",
        },
    ),
    (
        StationReplaced(connection_id="k1", id="r1", reply_to="process.1"),
        {"type": "station.replaced", "connection_id": "k1", "id": "r1", "reply_to": "process.1"},
    ),
    (StationChanged(connection_id="k1"), {"type": "station.changed", "connection_id": "k1"}),
    (
        StationDismissed(connection_id="k1", code=1001, reason="This station was removed."),
        {
            "type": "station.dismissed",
            "connection_id": "k1",
            "code": 1001,
            "reason": "This station was removed.",
        },
    ),
    (CommandTaken(id="c1"), {"type": "command.taken", "id": "c1"}),
    (CommandFinished(id="c1"), {"type": "command.finished", "id": "c1"}),
    (EventsWritten(), {"type": "events.written"}),
    (EventsNumbered(), {"type": "events.numbered"}),
]


@pytest.mark.parametrize(("message", "packed"), WIRE, ids=lambda value: type(value).__name__)
def test_a_message_has_the_wire_form_of_the_releases_before(message: Message, packed: dict[str, Any]) -> None:
    # As bytes, so that the order of the keys counts too.
    assert msgspec.msgpack.encode(messages.pack(message)) == msgspec.msgpack.encode(packed)
    assert messages.unpack(packed) == message


def test_keys_of_a_later_release_are_ignored() -> None:
    assert messages.unpack({"type": "command.taken", "id": "c1", "since": 12}) == CommandTaken(id="c1")


def test_a_command_of_an_earlier_release_has_no_actor() -> None:
    packed = {key: value for key, value in WIRE[0][1].items() if key != "actor"}

    command = messages.unpack(packed)

    assert isinstance(command, StationCall)
    assert (command.id, command.actor) == ("c1", "")


@pytest.mark.parametrize("packed", [{}, {"type": "station.sang"}, {"type": "station.call", "id": "c1"}])
def test_any_other_dict_is_unreadable(packed: dict[str, Any]) -> None:
    with pytest.raises(messages.Unreadable):
        messages.unpack(packed)
