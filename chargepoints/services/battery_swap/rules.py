"""The rules of battery swaps: which swap a message belongs to, and its state. Reads no database (2.1 S)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from chargepoints.models import BatterySwap, SwappedBattery

State = BatterySwap.State
Way = SwappedBattery.Way

# The predefined reason for a battery whose state of health is too low.
LOW_HEALTH: Final = "BatterySoHLow"
# A swap that is half done lapses after this long. After that, the same requestId begins another one.
HALF_DONE_KEPT: Final = timedelta(days=1)
# After a remote request: BatterySwapCtrlr.BatterySwapInTimeout, or this, and a margin.
USUAL_TIMEOUT: Final = timedelta(minutes=5)
MARGIN: Final = timedelta(seconds=60)

WAYS: Final = {"BatteryIn": Way.IN, "BatteryOut": Way.OUT, "BatteryOutTimeout": Way.OFFERED}


class Battery(NamedTuple):
    """A battery in a message. `soc` and `soh` are in percent."""

    slot: int
    serial_number: str
    soc: float
    soh: float
    produced_at: datetime | None = None
    vendor_info: str = ""


# A battery by its way, slot and serial number.
Place = tuple[str, int, str]


class Known(NamedTuple):
    """The newest stored swap with a requestId, and its batteries."""

    pk: str
    state: str
    in_at: datetime | None
    out_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    batteries: frozenset[Place]


class Step(NamedTuple):
    """The swap after a message. `ended_at` is None while it goes on."""

    state: BatterySwap.State
    in_at: datetime | None
    out_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None


def places(way: SwappedBattery.Way, batteries: Collection[Battery]) -> frozenset[Place]:
    return frozenset((way.value, one.slot, one.serial_number) for one in batteries)


def continues(known: Known, incoming: frozenset[Place], at: datetime) -> bool:
    """Whether a message with these batteries belongs to the known swap, and not to a new one.

    A station may count its requestIds from 1 again. A repetition belongs to the swap that it repeats.
    """
    if incoming <= known.batteries:
        return True
    if known.state in (State.SWAPPED, State.RETURNED):
        # Batteries that were not taken in time may be taken later.
        is_late = known.state == State.RETURNED and known.out_at is None
        return is_late and all(way == Way.OUT for way, _slot, _serial in incoming)
    if known.state == State.OPEN:
        return known.expires_at is None or at <= known.expires_at
    return known.ended_at is None or at - known.ended_at <= HALF_DONE_KEPT


def after(known: Known | None, way: SwappedBattery.Way, at: datetime) -> Step:
    """The swap after a message. The order may be the other one: out, then in (S03.FR.07)."""
    in_at, out_at = (None, None) if known is None else (known.in_at, known.out_at)
    in_at = at if way == Way.IN and in_at is None else in_at
    out_at = at if way == Way.OUT and out_at is None else out_at
    if in_at is not None and out_at is not None:
        return Step(State.SWAPPED, in_at, out_at, None, at)
    if way == Way.OFFERED:
        return Step(State.RETURNED, in_at, out_at, None, at)
    return Step(State.OPEN, in_at, out_at, at + HALF_DONE_KEPT, None)


def refusal(battery: Battery, *, least_health: float) -> str:
    """The reason code for a battery that is not accepted; empty for one that is."""
    return LOW_HEALTH if battery.soh < least_health else ""
