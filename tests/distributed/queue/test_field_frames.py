"""The same messages as in `tests/conformance/every/field_frames`, through a gateway and Redis."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.conftest import FIELD
from tests.conformance.every.field_frames.steps import NAMES, PAIRS, Deployment, run
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.servers import LiveServer


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Cluster:
    cluster = make_cluster(0)
    for role in ("gateway", "processor", "web"):
        cluster.add(1, role)
    status, answer = cluster.servers[2].request("POST", "/api/v1/tokens", {"uid": FIELD})
    assert status == 201, answer
    return cluster


@pytest.fixture(scope="module")
def gateways(cluster: Cluster) -> dict[str, LiveServer]:
    """Gateways by their settings; a case with settings of its own adds one."""
    return {"{}": cluster.servers[0]}


@pytest.mark.parametrize(("case", "version"), PAIRS, ids=NAMES)
async def test_the_message_of_a_real_charger_is_understood_over_redis(
    cluster: Cluster, gateways: dict[str, LiveServer], case: dict[str, Any], version: str
) -> None:
    settings = case.get("settings", {})
    gateway = gateways.get(str(settings))
    if gateway is None:
        folder = cluster.folder / f"gateway-{len(gateways)}"
        gateway = LiveServer(folder, role="gateway", **cluster.environment, **settings)
        cluster.servers.append(gateway)
        gateways[str(settings)] = gateway.start()

    def deviations(identity: str) -> set[str]:
        rows = cluster.rows(
            "SELECT d.kind FROM chargepoints_deviation d JOIN chargepoints_chargepoint c"
            " ON c.id = d.charge_point_id WHERE c.identity = %s",
            identity,
        )
        return {row["kind"] for row in rows}

    await run(Deployment(gateway, cluster.servers[2], deviations), case, version)
