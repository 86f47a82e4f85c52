"""Making one line of a handler fail, and comparing the live state before and after."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from ocpp_server import live
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import LOADED, Station

ROOT = Path(__file__).resolve().parents[4]
# Where a message is handled; the commit, the roll-back and the code of other threads are not made to fail.
TRACED = tuple(
    str(ROOT / folder)
    for folder in (
        "chargepoints/handlers",
        "chargepoints/services",
        "transactions/handlers",
        "transactions/services",
        "configuration/handlers",
        "configuration/services",
    )
)
# The engine calls these through its ports when the handlers have returned.
NOT_TRACED = (
    str(ROOT / "transactions/services/transactions/quarantine.py"),
    str(ROOT / "chargepoints/services/commands.py"),
)
# An exception that a trace function raises on the last line of a `with` leaves its lock taken.
HOLDS_A_LOCK = ("count",)
# What a live transaction knows and the database does not: it is measured again, or asked again.
ONLY_LIVE = frozenset({"questions", "asked_at", "last_message_at", "registers"})


class StepFailed(Exception):
    """Raised by the trace function."""


@contextmanager
def failing_at(step: int) -> Iterator[list[str]]:
    """Raise at this line of a handler; where it was raised, or nothing when there are fewer lines."""
    seen: set[tuple[str, int]] = set()
    places: list[str] = []

    def trace(frame: FrameType, kind: str, argument: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(TRACED) or name in NOT_TRACED or frame.f_code.co_name in HOLDS_A_LOCK:
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


def shown(value: Any) -> Any:
    """A comparable form of a part of the live state."""
    if isinstance(value, TransactionState):
        # When exactly the station restarted is not stored, that it did is.
        fields = msgspec.structs.asdict(value)
        fields["interrupted_at"] = fields["interrupted_at"] is not None
        return {name: shown(fields[name]) for name in fields.keys() - ONLY_LIVE}
    if isinstance(value, msgspec.Struct):
        return {name: shown(part) for name, part in msgspec.structs.asdict(value).items()}
    if isinstance(value, dict):
        return {key: shown(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [shown(part) for part in value]
    return value


def live_state(station: Station) -> dict[str, Any]:
    """All that a message may have changed: the station, and what other stations see of it."""
    state: Any = live.state()
    index = {key: sorted(found) for key, found in state._running.items()}
    groups = {key: sorted(found) for key, found in state._groups.items()}
    mine = {name: shown(getattr(station, name)) for name in LOADED if name != "unknown_numbers"}
    for connector in mine["connectors"].values():
        # A connector is made on first sight, in a transaction of its own: it is there whatever follows.
        del connector["pk"]
    return {"station": mine, "running": index, "groups": groups}


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two comparable forms differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = []
        for key in {*one, *other}:
            found += differences(one.get(key), other.get(key), f"{path}.{key}")
        return found
    return [] if one == other else [f"{path}: {one!r} is not {other!r}"]
