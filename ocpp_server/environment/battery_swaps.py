"""The settings of battery swaps: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import count, one_of
from ocpp_server.environment.variable import Variable

_GROUP = "Battery swaps"

BATTERY_SWAP_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "OCPP_BATTERY_MIN_HEALTH",
        "0",
        count,
        "The least state of health in percent of a battery that is handed in. A worse one is marked as "
        "refused; the swap goes on, because its message has happened. 0 takes every battery.",
        _GROUP,
    ),
    Variable(
        "OCPP_BATTERY_SWAP_ANSWER",
        "empty",
        one_of("empty", "custom-data"),
        "The answer to the batteries that are handed in. OCPP has an empty one; with custom-data it says "
        "Accepted or Rejected in the customData org.openchargealliance.batteryswapresponse (2.1 S03).",
        _GROUP,
    ),
)
