"""The campaign of the day: new firmware for all stations, of which two fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.distributed.cluster import Cluster
from tests.distributed.day.operator import DayOperator
from tests.distributed.day.stations import DayStation
from tests.simulator.test_firmware import FileServer

VERSION: Final = "2.0.0"
# Its CALLs; a station must get one of them in a day.
ACTIONS: Final = ("UpdateFirmware", "SignedUpdateFirmware")
# The ways to fail, and the result that the campaign shows.
OUTCOMES: Final = ("DownloadFailed", "InstallationFailed")
FAILURE: Final = ("failed", "no-effect")
# The ends of a station whose answer was lost, or that was not reached in time.
LOST: Final = ("connection-lost", "no-answer")


@asynccontextmanager
async def firmware() -> AsyncIterator[str]:
    """The address of the firmware, which a server of the test offers meanwhile."""
    server = await asyncio.start_server(FileServer().answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{VERSION}.bin"
    finally:
        server.close()


def let_fail(stations: list[DayStation]) -> None:
    for station, outcome in zip(stations, OUTCOMES, strict=True):
        station.station.firmware_outcome = outcome


async def start(operator: DayOperator, stations: list[DayStation], location: str) -> None:
    """Start the campaign for these stations."""
    name = f"{len(stations)} stations at {time.time()}"
    body = {
        "name": name,
        "kind": "firmware",
        "arguments": {"location": location, "version": VERSION},
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
