"""Virtual stations with PostgreSQL, Redis and two processes: another process runs them after a kill."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.servers import LiveServer

PATIENCE_S = 60
STATIONS = "/api/v1/sandbox/stations"


def step(server: LiveServer, path: str, body: Any) -> Any:
    """The answer to a step. It is requested again while no process is elected."""
    until = time.monotonic() + PATIENCE_S
    while True:
        status, answer = server.request("POST", f"{STATIONS}{path}", body)
        if status < 300:
            return answer["data"]
        assert status == 409 and time.monotonic() < until, answer


def keeper_of(cluster: Cluster) -> LiveServer:
    until = time.monotonic() + PATIENCE_S
    while (found := cluster.housekeeper()) is None:
        assert time.monotonic() < until
        time.sleep(0.05)  # poll: another process is elected
    return found


@pytest.mark.nightly
@pytest.mark.slow
def test_another_process_runs_the_stations_after_a_kill(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(2, SANDBOX_STATIONS="1")
    keeper = keeper_of(cluster)
    (other,) = [one for one in cluster.servers if one is not keeper]

    step(other, "", {"clientId": "TEST-1", "ocppVersion": "2.1"})
    step(other, "/TEST-1/plug", {})
    before = step(other, "/TEST-1/tap", {"token": "TEST-CARD-1"})["connectors"][0]
    assert before["isCharging"]
    keeper.kill()
    after = step(other, "/TEST-1/unplug", {})["connectors"][0]

    assert (after["isCharging"], after["transactionId"]) == (False, before["transactionId"])
    (session,) = cluster.transactions("TEST-1")
    assert (session["status"], session["stop_reason"]) == ("ended", "PowerLoss")
    status, answer = other.request("DELETE", f"{STATIONS}/TEST-1")
    assert status == 200, answer
    assert cluster.rows("SELECT identity FROM chargepoints_chargepoint WHERE identity LIKE 'TEST-%%'") == []
