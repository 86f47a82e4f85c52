"""The campaign of the day: all stations update to one hosted firmware, and two of them fail."""

from __future__ import annotations

import random
import time
from typing import Any, Final

from tests.conformance.downloading import Firmware, added
from tests.distributed.cluster import Cluster
from tests.distributed.day.operator import DayOperator
from tests.distributed.day.stations import SIGNED_UPDATE, UPDATE, DayStation
from tests.simulator.file_server import signed

KIND: Final = "firmware"
OLD, NEW = "1.0.0", "2.0"
# Its CALLs; a station must get the one that it knows once in a day.
ACTIONS: Final = (UPDATE, SIGNED_UPDATE)
# How two stations fail.
OUTCOMES: Final = ("InvalidSignature", "InstallationFailed")
# The end of a station that fails.
FAILURE: Final = ("failed", "no-effect")
# The ends of a station whose answer was lost, or that was not reached in time.
LOST: Final = ("connection-lost", "no-answer")
SIZE: Final = 1 << 20
# A station asks again while the web process is replaced; the interval is in simulated seconds.
RETRIES: Final = {"retries": 100, "retryInterval": 30}


def let_fail(stations: list[DayStation]) -> None:
    for station, outcome in zip(stations, OUTCOMES, strict=True):
        station.station.firmware_outcome = outcome


async def upload(operator: DayOperator, choices: random.Random) -> Firmware:
    """Add the signed firmware. A station reports the name of its file as its version."""
    content = choices.randbytes(SIZE)
    signature, certificate = signed(content)
    more = {"version": NEW, "signature": signature, "signingCertificate": certificate}
    return await added(operator.webs[0], content, f"{NEW}.bin", **more)


async def start(operator: DayOperator, firmware: Firmware, stations: list[DayStation]) -> None:
    """Start the campaign for these stations."""
    name = f"{len(stations)} stations at {time.time()}"
    body = {
        "name": name,
        "kind": KIND,
        "arguments": {"firmware": firmware.id, **RETRIES},
        "stations": {"clientIds": [station.identity for station in stations]},
        "canary": False,
        "atOnce": 20,
        "failureLimitPercent": 100,
    }
    done = ("SELECT 1 FROM chargepoints_campaign WHERE name = %s", name)
    await operator.post("/api/v1/campaigns", body, done=done)


def has_ended(cluster: Cluster) -> bool:
    sql = "SELECT 1 FROM chargepoints_campaign WHERE kind = %s AND finished_at IS NULL"
    return not cluster.rows(sql, KIND)


def last_row(cluster: Cluster, station: DayStation) -> dict[str, Any]:
    """The result of a station in its last campaign of this kind."""
    sql = "SELECT s.* FROM chargepoints_campaignstation s JOIN chargepoints_chargepoint c"
    sql += " ON c.id = s.charge_point_id JOIN chargepoints_campaign p ON p.id = s.campaign_id"
    sql += " WHERE c.identity = %s AND p.kind = %s ORDER BY s.id DESC LIMIT 1"
    (row,) = cluster.rows(sql, station.identity, KIND)
    return row


def not_reached(cluster: Cluster, stations: list[DayStation]) -> list[DayStation]:
    """The stations that have got no update that they know, though the campaign has ended."""
    return [
        station
        for station in stations
        if not station.calls(station.make.update) and last_row(cluster, station)["reason"] in LOST
    ]
