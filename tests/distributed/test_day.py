"""A day of stations of several makes, while every process is replaced once."""

from __future__ import annotations

import time

import pytest

from tests.distributed.conftest import MakeCluster
from tests.distributed.day.checks import summary, violations
from tests.distributed.day.course import live_through
from tests.seeds import chosen_seed
from tests.servers import free_port

SMALL = {"gateway": 1, "processor": 1, "web": 1, "housekeeping": 1}
LARGE = {"gateway": 2, "processor": 2, "web": 2, "housekeeping": 1}


async def day(make_cluster: MakeCluster, stations: int, roles: dict[str, int], *killed: str) -> list[str]:
    """Live through a day, and return everything that is wrong in the evening.

    The seed repeats the order of all work and of the replacements, which process is killed, which stations
    fail, and the choices of each station; which frame a kill hits depends on the pace of the processes.
    """
    seed, began, port = chosen_seed("day"), time.monotonic(), free_port()
    cluster = make_cluster(
        0,
        OCPP_LOCAL_LIST_DELAY="1s",
        # A command waits for the next process on a slow machine too.
        OCPP_CALL_TIMEOUT="15s",
        UPLOAD_URL=f"http://127.0.0.1:{port}",
    )
    lived = await live_through(cluster, stations, roles, killed=killed, upload_port=port, seed=seed)
    with lived.timed("checks"):
        found = violations(lived)
    print("\n".join(found))
    print(f"{summary(lived)}; {time.monotonic() - began:.1f} s in all")
    return found


@pytest.mark.nightly
async def test_a_day_of_10_stations_while_every_process_is_replaced(make_cluster: MakeCluster) -> None:
    # The claims of a killed housekeeper count for minutes, and a web process may have been elected: only the
    # long form kills one.
    assert await day(make_cluster, 10, SMALL, "gateway", "processor") == []


@pytest.mark.soak
async def test_a_day_of_50_stations_while_every_process_is_replaced(make_cluster: MakeCluster) -> None:
    assert await day(make_cluster, 50, LARGE, *LARGE) == []
