"""Makes one line of a handler fail, and compares the live state before and after."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import msgspec

from ocpp_server import live
from ocpp_server.live.extensions import Slot, registered
from ocpp_server.live.loaded import LOADED
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import registry

ROOT = Path(__file__).resolve().parents[4]
# The folders whose lines fail. Commit, roll-back and the code of other threads do not fail here.
TRACED = tuple(
    str(ROOT / folder)
    for folder in (
        "chargepoints/handlers",
        "chargepoints/services",
        "transactions/handlers",
        "transactions/services",
        "configuration/handlers",
        "configuration/services",
        "smart_charging/handlers",
        "tariffs/handlers",
        "certificates/handlers",
    )
)
# The engine calls these modules through its ports after the handlers have returned.
NOT_TRACED = (
    str(ROOT / "transactions/services/transactions/quarantine.py"),
    str(ROOT / "chargepoints/services/commands.py"),
)
# Functions with a lock: an exception on the last line of a `with` would leave the lock taken.
HOLDS_A_LOCK = ("count",)
# Fields of a live transaction that are not stored: the process measures or asks for them again.
ONLY_LIVE = frozenset({"questions", "asked_at", "confirmed_at", "last_message_at", "registers", "announced"})
# Slots that a reload empties: copies of stored rows, which are read again, and the last messages, which are
# stored nowhere.
COPIES = frozenset({"unknown_numbers", "stored_keys", "last_messages", "abilities"})


class StepFailed(Exception):
    """The trace function raised this at the selected line."""


@contextmanager
def failing_at(step: int) -> Iterator[list[str]]:
    """Raise at the n-th line of a handler; yield the place, or an empty list when fewer lines run."""
    seen: set[tuple[str, int]] = set()
    places: list[str] = []
    # Handlers that run after the answer can't undo the message, nor can what they call.
    late = {
        handler.__code__
        for version, action in registry.registered("after")
        for handler in registry.after_handlers(version, action)
    }

    def trace(frame: FrameType, kind: str, argument: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(TRACED) or name in NOT_TRACED or frame.f_code.co_name in HOLDS_A_LOCK:
            return None
        if is_called_by(frame, late):
            return None
        if kind == "line" and not places and (name, frame.f_lineno) not in seen:
            seen.add((name, frame.f_lineno))
            if len(seen) == step:
                places.append(f"{Path(name).relative_to(ROOT)}:{frame.f_lineno}")
                raise StepFailed(places[0])
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield places
    finally:
        sys.settrace(before)


def is_called_by(frame: FrameType, codes: set[CodeType]) -> bool:
    """Whether this frame or one of its callers runs one of the codes."""
    caller: FrameType | None = frame
    while caller is not None:
        if caller.f_code in codes:
            return True
        caller = caller.f_back
    return False


def comparable(value: Any) -> Any:
    """A form of a part of the live state that can be compared."""
    if isinstance(value, TransactionState):
        # The database stores that the station restarted, not the exact time.
        fields = msgspec.structs.asdict(value)
        fields["interrupted_at"] = fields["interrupted_at"] is not None
        return {name: comparable(fields[name]) for name in fields.keys() - ONLY_LIVE}
    if isinstance(value, msgspec.Struct):
        return {name: comparable(part) for name, part in msgspec.structs.asdict(value).items()}
    if isinstance(value, dict):
        return {key: comparable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(part) for part in value]
    return value


def live_state(station: Station) -> dict[str, Any]:
    """All state that a message may change: the station, and the indexes that other stations read."""
    state: Any = live.state()
    index = {key: sorted(found) for key, found in state._running.items()}
    groups = {key: sorted(found) for key, found in state._groups.items()}
    mine = {name: comparable(getattr(station, name)) for name in LOADED if name != "slots"}
    for connector in mine["connectors"].values():
        # A connector is stored at its first use in a transaction of its own; a roll-back leaves it there.
        del connector["pk"]
    slots = {
        name: comparable(extension.of(station))
        for name, extension in registered().items()
        if isinstance(extension, Slot) and name not in COPIES
    }
    return {"station": mine, "slots": slots, "running": index, "groups": groups}


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """The paths at which two comparable forms differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = []
        for key in {*one, *other}:
            found += differences(one.get(key), other.get(key), f"{path}.{key}")
        return found
    return [] if one == other else [f"{path}: {one!r} is not {other!r}"]
