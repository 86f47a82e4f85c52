"""Roles without an HTTP port serve probes and metrics at METRICS_PORT, with a label for the role."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.peer import eventually
from tests.distributed.conftest import MakeCluster
from tests.servers import LiveServer, free_port

pytestmark = pytest.mark.slow


def labels(port: int, name: str) -> list[dict[str, str]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return [sample.labels for family in families for sample in family.samples if sample.name == name]


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=60) as answer:
            return bool(json.loads(answer.read())["ok"])
    except urllib.error.HTTPError:
        return False


@pytest.mark.parametrize("role", ["processor", "housekeeping", "gateway"])
async def test_a_role_reports_its_own_figures_and_the_queue(make_cluster: MakeCluster, role: str) -> None:
    cluster, port = make_cluster(0), free_port()
    server = LiveServer(
        cluster.folder / role, role=role, METRICS_PORT=str(port), LOG_FORMAT="json", **cluster.environment
    )
    cluster.servers.append(server)
    server.start()

    await eventually(lambda: f'"port": {port}' in server.log.read_text())
    (own,) = labels(port, "ocpp_process_info")
    await eventually(lambda: is_ready(port))

    assert own["role"] == role
    assert own["process"].endswith(f".{server.process.pid if server.process else 0}")
    assert labels(port, "ocpp_queue_messages") == [{}]
    assert bool(labels(port, "ocpp_stations_known")) == (role == "housekeeping")
