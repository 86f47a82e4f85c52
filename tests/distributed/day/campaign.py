"""The campaign of the day: one command for all stations, of which two fail.

The firmware belongs here. With the kind `firmware`, ARGUMENTS are those of `update-firmware`, ACTIONS are the
names of its CALLs, and `let_fail` sets `Station.firmware_outcome`.
"""

from __future__ import annotations

import time
from typing import Any, Final

from tests.distributed.cluster import Cluster
from tests.distributed.day.operator import DayOperator
from tests.distributed.day.stations import DayStation

KIND: Final = "command"
ARGUMENTS: Final = {"command": "clear-cache"}
# Its CALLs; a station must get one of them in a day.
ACTIONS: Final = ("ClearCache",)
# The end of a station that fails.
FAILURE: Final = ("failed", "rejected")
# The ends of a station whose answer was lost, or that was not reached in time.
LOST: Final = ("connection-lost", "no-answer")


def let_fail(station: DayStation) -> None:
    station.station.on_call(ACTIONS[0], lambda payload: {"status": "Rejected"})


async def start(operator: DayOperator, stations: list[DayStation]) -> None:
    """Start the campaign for these stations."""
    name = f"{len(stations)} stations at {time.time()}"
    body = {
        "name": name,
        "kind": KIND,
        "arguments": ARGUMENTS,
        "stations": {"clientIds": [station.identity for station in stations]},
        "canary": False,
        "atOnce": 20,
        "failureLimitPercent": 100,
    }
    done = ("SELECT 1 FROM chargepoints_campaign WHERE name = %s", name)
    await operator.post("/api/v1/campaigns", body, done=done)


def has_ended(cluster: Cluster) -> bool:
    return not cluster.rows("SELECT 1 FROM chargepoints_campaign WHERE finished_at IS NULL")


def last_row(cluster: Cluster, station: DayStation) -> dict[str, Any]:
    """The result of a station in its last campaign."""
    sql = "SELECT s.* FROM chargepoints_campaignstation s JOIN chargepoints_chargepoint c"
    sql += " ON c.id = s.charge_point_id WHERE c.identity = %s ORDER BY s.id DESC LIMIT 1"
    (row,) = cluster.rows(sql, station.identity)
    return row


def not_reached(cluster: Cluster, stations: list[DayStation]) -> list[DayStation]:
    """The stations that have got nothing from the campaign, though it has ended."""
    return [
        station
        for station in stations
        if not station.calls(*ACTIONS) and last_row(cluster, station)["reason"] in LOST
    ]
