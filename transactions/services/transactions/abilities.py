"""The abilities of a 2.x station that decide about its sessions, from its reports about itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ocpp_server import capabilities
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import supported_limits
from ocpp_server.storage.journal import journal
from transactions.live.abilities import ABILITIES

SUPPORTED_LIMITS: Final = "TxCtrlr.SupportedLimits"
_SWAP: Final = "BatterySwapCtrlr"
_ENABLED: Final = (f"{_SWAP}.Enabled", f"{_SWAP}.Available")
_OF_SWAPPING: Final = (
    *_ENABLED,
    *(f"{_SWAP}.{name}" for name in ("IdToken", "MaxSoc", "TargetSoc", "Timeout")),
    *(f"{_SWAP}.Timeout[{name}]" for name in ("BatteryIn", "BatteryOut")),
    *(f"{_SWAP}.BatterySwap{name}" for name in ("MaxSoc", "TargetSoc", "InTimeout", "OutTimeout")),
)
# A report may come at any time: what was not found is looked up again after this.
_AGAIN_AFTER: Final = timedelta(minutes=1)


async def limits(station: Station) -> frozenset[str]:
    """The limits of a transaction that the station has reported to support (2.1 E16.FR.12)."""
    known = ABILITIES.of(station)
    if not known.limits and _is_due(known.limits_read_at, station.received_at):
        known.limits_read_at = station.received_at
        found = await journal.run(capabilities.reports.app.values, station.pk, (SUPPORTED_LIMITS,))
        known.limits = supported_limits(found.get(SUPPORTED_LIMITS, ""))
    return known.limits


async def swaps_batteries(station: Station) -> bool:
    """Whether the station has reported that it swaps batteries (2.1 S): a variable of BatterySwapCtrlr, and
    none that says it is switched off.
    """
    known = ABILITIES.of(station)
    if not known.swaps_batteries and _is_due(known.swapping_read_at, station.received_at):
        known.swapping_read_at = station.received_at
        found = await journal.run(capabilities.reports.app.values, station.pk, _OF_SWAPPING)
        is_off = any(found.get(name, "").strip().casefold() == "false" for name in _ENABLED)
        known.swaps_batteries = bool(found) and not is_off
    return known.swaps_batteries


def _is_due(read_at: datetime | None, now: datetime) -> bool:
    return read_at is None or now - read_at >= _AGAIN_AFTER
