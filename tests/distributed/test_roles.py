"""The roles of run.py together: their requirements, the housekeeping lease, their end and their probes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import psutil
import pytest

from tests.conformance.peer import eventually, station
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import TEMPLATE, MakeCluster
from tests.distributed.engines import Postgres
from tests.processes import finished, launch, must
from tests.servers import LiveServer, free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    cluster = make_cluster(0)
    yield cluster
    assert "Traceback" not in cluster.log()


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(cluster: Cluster, *words: str, **environment: str) -> Result:
    """A run.py command with the cluster's settings."""
    return Result(*finished("run", *words, environment=variables(cluster, **environment)))


def succeeded(result: Result) -> Result | None:
    """Return the result, or None if the command failed: on a busy machine a probe may time out."""
    return None if result.returncode else result


def variables(cluster: Cluster, **environment: str) -> dict[str, str]:
    known = {"RUN_IN_PLACE": "1", "ENV_FILE": os.devnull, "HTTP_PORT": str(free_port())}
    return {**os.environ, **known, **cluster.environment, **environment}


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.05)  # poll: another process makes it true
    return found


def test_a_housekeeping_process_takes_housekeeping_over_from_a_web_process_and_returns_it(
    cluster: Cluster,
) -> None:
    (web,) = cluster.add(role="web")
    until(lambda: cluster.housekeeper() is web)

    (keeper,) = cluster.add(role="housekeeping")
    until(lambda: cluster.housekeeper() is keeper)
    assert keeper.stop() == 0

    until(lambda: cluster.housekeeper() is web)
    assert web.stop() == 0


@pytest.mark.parametrize("role", ["web", "gateway", "processor", "housekeeping", "accounts"])
def test_every_role_starts_passes_its_probes_and_exits_with_0_on_sigterm(cluster: Cluster, role: str) -> None:
    process = LiveServer(cluster.folder / f"healthy-{role}", role=role, **cluster.environment)
    process.environment["HEALTH_FILE"] = str(process.folder / "health")
    process.start()
    cluster.servers.append(process)
    until((process.folder / "health").exists)

    probed = {name: process.environment[name] for name in ("HEALTH_FILE", "HTTP_PORT")}
    alive = until(lambda: succeeded(run(cluster, "healthcheck", **probed)))
    ready = until(lambda: succeeded(run(cluster, "healthcheck", "--ready", **probed)))
    status = process.stop()
    dead = run(cluster, "healthcheck", **probed)

    assert (alive.returncode, alive.stderr) == (0, "")
    assert (ready.returncode, ready.stderr) == (0, "")
    assert status == 0
    assert dead.returncode == 1 and dead.stderr.count("\n") == 1


@pytest.mark.parametrize("role", ["web", "gateway", "processor", "housekeeping"])
def test_a_role_without_redis_names_the_missing_setting_in_one_line(cluster: Cluster, role: str) -> None:
    unset = run(cluster, role, REDIS_ADDR="")
    away = run(cluster, role, REDIS_ADDR=f"127.0.0.1:{free_port()}")

    assert (unset.returncode, unset.stdout) == (2, "")
    assert unset.stderr.startswith("REDIS_ADDR: ") and unset.stderr.count("\n") == 1
    assert away.returncode == 1
    assert away.stderr.startswith("REDIS_ADDR: Redis can't be reached") and away.stderr.count("\n") == 1


@pytest.mark.parametrize("is_empty", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_roles_refuse_an_unmigrated_database_and_two_migrations_at_once_run_one(
    cluster: Cluster, postgres: Postgres, is_empty: bool
) -> None:
    url = postgres.create("ocpp_test_unmigrated", "" if is_empty else TEMPLATE)
    if not is_empty:
        lacking = ("migrate", "certificates", "0004_installed")
        must("manage", *lacking, environment=variables(cluster, DATABASE_URL=url))

    before = run(cluster, "processor", DATABASE_URL=url)
    with ThreadPoolExecutor(2) as pool:
        migrated = list(pool.map(lambda _: run(cluster, "migrate", DATABASE_URL=url), range(2)))

    assert before.returncode == 1
    assert "run.py migrate" in before.stderr and before.stderr.count("\n") == 1
    assert [(done.returncode, done.stderr) for done in migrated] == [(0, ""), (0, "")]


class Workers:
    """`run.py web` with two workers."""

    def __init__(self, cluster: Cluster) -> None:
        self.server = LiveServer(cluster.folder / "workers", role="web", **cluster.environment)
        self.server.environment["WEB_WORKERS"] = "2"
        self.server.start()
        cluster.servers.append(self.server)
        assert self.server.process is not None
        self.parent = psutil.Process(self.server.process.pid)

    def all(self) -> list[psutil.Process]:
        return [child for child in self.parent.children() if child.status() != psutil.STATUS_ZOMBIE]


def test_several_workers_serve_one_port_and_a_killed_one_is_replaced(cluster: Cluster) -> None:
    workers = Workers(cluster)
    until(lambda: "OCPP endpoint" in workers.server.log.read_text())
    first, second = workers.all()

    first.kill()
    replaced = until(lambda: [worker for worker in workers.all() if worker not in (first, second)])
    answers = {workers.server.request("GET", "/health")[0] for _ in range(20)}
    workers.server.host = "::1"
    answers |= {workers.server.request("GET", "/health")[0] for _ in range(20)}

    assert len(replaced) == 1 and answers == {200}
    assert workers.server.stop() == 0
    assert not any(worker.is_running() for worker in (second, *replaced))


def test_workers_end_with_a_parent_that_was_killed(cluster: Cluster) -> None:
    workers = Workers(cluster)
    until(lambda: "OCPP endpoint" in workers.server.log.read_text())
    started = workers.all()

    workers.server.kill()

    psutil.wait_procs(started, timeout=60)
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in started)


def test_a_worker_that_cannot_start_ends_all_of_them_with_its_message(
    cluster: Cluster, postgres: Postgres
) -> None:
    url = postgres.create("ocpp_test_unmigrated_too")

    done = run(cluster, "web", WEB_WORKERS="2", DATABASE_URL=url)

    assert done.returncode == 1
    assert "run.py migrate" in done.stderr and "Traceback" not in done.stderr


def test_the_accounts_role_and_a_web_process_make_the_same_decisions(cluster: Cluster) -> None:
    (web,) = cluster.add(role="web")
    (accounts,) = cluster.add(role="accounts")
    created, _ = accounts.request("POST", "/api/v1/tokens", {"uid": "BESIDE", "type": "RFID"})
    allowed = web.request("POST", "/api/v1/authorize", {"id_tag": "BESIDE"})

    blocked, _ = accounts.request("POST", "/api/v1/tokens/by-uid/BESIDE/block", {})

    def decision() -> str:
        return str(web.request("POST", "/api/v1/authorize", {"id_tag": "BESIDE"})[1]["data"]["status"])

    assert (created, blocked) == (201, 200)
    assert allowed[1]["data"]["status"] == "Accepted"
    assert until(lambda: decision() == "Blocked", 15)
    assert accounts.request("GET", "/api/v1/chargepoints")[0] == 404
    assert cluster.housekeeper() is web
    assert (accounts.stop(), web.stop()) == (0, 0)


async def test_roles_started_by_plain_commands_close_their_sockets_with_1001(
    cluster: Cluster,
) -> None:
    server = LiveServer(cluster.folder / "plain", **cluster.environment)
    health = server.folder / "health"
    plain = [
        *("uvicorn", "ocpp_server.asgi:application", "--port", str(server.port)),
        *("--http", "ocpp_server.process.sockets:StationHttp"),
        *("--ws", "ocpp_server.process.sockets:StationSocket"),
        *("--timeout-graceful-shutdown", "20"),
    ]
    web = launch("module", *plain, environment=server.environment)
    keeper = launch("manage", "housekeeping", environment=server.environment | {"HEALTH_FILE": str(health)})
    try:
        await eventually(health.exists, 60)
        await eventually(lambda: answers(server), 60)
        async with station(server) as peer:
            web.send_signal(signal.SIGTERM)
            code = await peer.closed()
    finally:
        for process in (web, keeper):
            process.send_signal(signal.SIGTERM)
    assert code == 1001
    assert await asyncio.to_thread(keeper.wait, 60) == 0
    assert await asyncio.to_thread(web.wait, 60) in (0, -signal.SIGTERM)


def answers(server: LiveServer) -> bool:
    try:
        return server.request("GET", "/health")[0] == 200
    except OSError:
        return False
