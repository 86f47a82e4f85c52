"""A receiver of webhooks that is killed again and again misses no event, while stations charge and servers
die; and the time from a commit to its webhook.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import plan
from tests.chaos.expected import ExpectedData
from tests.chaos.stations import AnswerCounter
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.event_consumer import Received
from tests.distributed.killing import RestartedProcess, make_stations
from tests.distributed.reconnecting import FastStation, connect_all, percentile, provision
from tests.distributed.test_event_consumer import assert_events_of_sessions
from tests.processes import Launched, launch
from tests.seeds import chosen_seed
from tests.servers import free_port

pytestmark = pytest.mark.slow
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SMALL = (("web", 1), ("gateway", 1), ("processor", 1), ("housekeeping", 1))
LARGE = (("web", 2), ("gateway", 1), ("processor", 2), ("housekeeping", 1))


class Receiver:
    """The receiver's process and its file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.port = free_port()
        self._process: Launched | None = None

    def start(self) -> None:
        """Start the process; return when it listens."""
        starts = len(self.received.starts)
        words = ["tests.distributed.webhook_receiver", str(self.file), str(self.port), SECRET]
        self._process = launch("module", *words, environment=os.environ)
        while len(self.received.starts) <= starts:
            assert self._process.poll() is None, "the receiver ended by itself"
            time.sleep(0.01)  # poll: another process is starting

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, "the receiver ended by itself"
        self._process.kill()
        self._process.wait(60)
        self._process = None

    @property
    def received(self) -> Received:
        return Received.read(self.file)

    @contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        try:
            yield
        finally:
            if self._process is not None:
                self._process.kill()
                self._process.wait(60)


def add_webhook(cluster: Cluster, receiver: Receiver) -> None:
    body = {"name": "Consumer", "url": f"http://127.0.0.1:{receiver.port}/", "secret": SECRET}
    web = next(server for server in cluster.servers if server.role == "web")
    status, answer = web.request("POST", "/api/v1/webhooks", body)
    assert status == 201, answer


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    # Presence is reported early, so that its events too come while processes are killed.
    cluster = make_cluster(
        0,
        LOG_LEVEL="WARNING",
        EVENT_OFFLINE_AFTER="2s",
        OUTBOUND_PRIVATE_NETWORKS="127.0.0.1/32",
        WEBHOOK_ALLOW_HTTP="true",
    )
    yield cluster
    cluster.stop()


async def receive_during_kills(
    cluster: Cluster,
    *,
    stations: int,
    kills: int,
    lifetime: tuple[int, int],
    roles: tuple[tuple[str, int], ...] = LARGE,
) -> None:
    """Let stations charge while the receiver is killed, a web process and the elected housekeeper once."""
    seed = chosen_seed("kills")
    expected, answers = ExpectedData(), AnswerCounter()
    planned = plan.restarts(seed, 0, answers=lifetime)
    groups = await asyncio.gather(*(asyncio.to_thread(cluster.add, count, role) for role, count in roles))
    processes = [RestartedProcess(server) for group in groups for server in group]
    web, housekeeper = processes[0], processes[-1]
    receiver = Receiver(cluster.folder / "webhooks.jsonl")
    with receiver.running():
        await asyncio.to_thread(add_webhook, cluster, receiver)
        for number in range(stations):
            card = {"uid": f"CARD-{number}", "type": "RFID"}
            status, answer = await asyncio.to_thread(web.server.request, "POST", "/api/v1/tokens", card)
            assert status == 201, answer
        charging = make_stations(processes, stations, expected, answers, seed=seed)
        began = time.monotonic()
        running = [asyncio.ensure_future(station.run()) for station in charging]
        restarts: list[asyncio.Task[None]] = []
        try:
            for number in range(kills):
                await answers.more(next(planned).answers)
                await asyncio.to_thread(receiver.kill)
                await asyncio.to_thread(receiver.start)
                if number == kills // 4:
                    restarts.append(asyncio.ensure_future(web.restart(0.5)))
                if number == kills // 2:
                    restarts.append(asyncio.ensure_future(housekeeper.restart(0.5)))
            await asyncio.gather(*restarts)
            for station in charging:
                station.finishing = True
            await asyncio.wait_for(asyncio.gather(*running), 240)
        finally:
            for task in (*running, *restarts):
                task.cancel()
            await asyncio.gather(*running, *restarts, return_exceptions=True)
        await asyncio.to_thread(wait_for_the_last_event, cluster)
    took = time.monotonic() - began

    received = receiver.received
    report(received, took)
    assert expected.faults == []
    assert len(received.starts) == kills + 1
    once = assert_nothing_is_missing(cluster, received)
    assert_events_of_sessions(cluster, expected, Received(once, 0, []))


def wait_for_the_last_event(cluster: Cluster) -> None:
    """Wait until each station was reported as offline and the webhook has taken the last event."""
    deadline = time.monotonic() + 120
    while True:
        (row,) = cluster.rows(
            "SELECT (SELECT count(*) FROM api_event_stations WHERE is_online) AS online,"
            " (SELECT count(*) FROM api_events WHERE position IS NULL) AS waiting,"
            " (SELECT count(*) FROM api_webhook_deliveries WHERE state <> 'delivered') AS pending,"
            " (SELECT position FROM api_event_stream) - (SELECT cursor FROM api_webhooks) AS lag"
        )
        if row == {"online": 0, "waiting": 0, "pending": 0, "lag": 0}:
            return
        assert time.monotonic() < deadline, row
        time.sleep(0.1)  # poll: other processes make it true


def assert_nothing_is_missing(cluster: Cluster, received: Received) -> list[dict[str, Any]]:
    """Returns the events without repetitions, by position."""
    once: dict[str, dict[str, Any]] = {}
    sequences: dict[str, list[int]] = {}
    for event in received.events:
        assert event["webhook-id"] == event["id"]
        if event["id"] in once:
            assert {**once[event["id"]], "seen": 0} == {**event, "seen": 0}
            continue
        once[event["id"]] = event
        if event["station"] is not None:
            sequences.setdefault(event["station"], []).append(event["sequence"])
    # Each station's events came first in their order, and none is missing.
    wrong = {name: found for name, found in sequences.items() if found != list(range(1, len(found) + 1))}
    assert wrong == {}
    stored = cluster.rows(
        "SELECT uid, position, sequence, type, station, data FROM api_events ORDER BY position"
    )
    found = sorted(once.values(), key=lambda event: event["position"])
    assert [
        (e["id"], e["position"], e["sequence"], e["type"], e["station"] or "", e["data"]) for e in found
    ] == [
        (row["uid"], row["position"], row["sequence"], row["type"], row["station"], json.loads(row["data"]))
        for row in stored
    ]
    return found


def report(received: Received, took: float) -> None:
    first: dict[str, float] = {}
    for event in received.events:
        at = datetime.fromisoformat(event["timestamp"]).timestamp()
        first.setdefault(event["id"], event["seen"] - at)
    print(
        f"{len(first)} events ({len(received.events) - len(first)} received twice) in {took:.1f} s,"
        f" {len(received.starts) - 1} kills of the receiver"
    )
    print(f"seconds from the event to its webhook, absences included: {spread(list(first.values()))}")


def spread(seconds: list[float]) -> str:
    known = sorted(seconds)
    return f"median {percentile(known, 50):.3f}, 99 % {percentile(known, 99):.3f}, most {known[-1]:.3f}"


async def test_a_receiver_that_is_killed_3_times_misses_no_event_of_8_stations(cluster: Cluster) -> None:
    await receive_during_kills(cluster, stations=8, kills=3, lifetime=(20, 100), roles=SMALL)


@pytest.mark.nightly
async def test_a_receiver_that_is_killed_20_times_misses_no_event_of_100_stations(cluster: Cluster) -> None:
    await receive_during_kills(cluster, stations=100, kills=20, lifetime=(100, 1_500))


@pytest.mark.soak
async def test_a_receiver_that_is_killed_50_times_misses_no_event_of_300_stations(cluster: Cluster) -> None:
    await receive_during_kills(cluster, stations=300, kills=50, lifetime=(100, 3_000))


# -- the time from a commit to its webhook -------------------------------------------------------------------


@pytest.mark.load
async def test_webhooks_follow_their_commits_within_a_second_at_200_events_a_second(cluster: Cluster) -> None:
    """For 30 seconds 100 stations at a web process each change their status twice a second; the housekeeper,
    another process, sends the webhooks. The time counts from the event's own, which is before its commit.
    """
    (web,) = await asyncio.to_thread(cluster.add, 1, "web")
    await asyncio.to_thread(cluster.add, 1, "housekeeping")
    receiver = Receiver(cluster.folder / "webhooks.jsonl")
    stations = [FastStation(f"CP-{number}") for number in range(100)]
    await asyncio.to_thread(provision, cluster, [station.identity for station in stations])
    # The receiver listens before the first event: a failed attempt would make the others wait for its retry.
    with receiver.running():
        await asyncio.to_thread(add_webhook, cluster, receiver)
        await connect_all(stations, [web], over_s=5)
        began = time.time()
        await asyncio.gather(*(change_status(station, times=60) for station in stations))
        await asyncio.to_thread(wait_until, lambda: changes(receiver.received, since=began), 6000)
        await asyncio.gather(*(station.leave() for station in stations))

    latencies = changes(receiver.received, since=began)
    print(f"seconds from the event to its webhook: {spread(latencies)}")
    assert percentile(sorted(latencies), 99) < 1


async def change_status(station: FastStation, *, times: int) -> None:
    """Change the status of a connector, each half second."""
    await asyncio.sleep(0.5 * (int(station.identity.rpartition("-")[2]) % 20) / 20)
    for number in range(times):
        word = ("Available", "Preparing")[number % 2]
        payload = {"connectorId": 1, "errorCode": "NoError", "status": word}
        sent = time.monotonic()
        await station.call(json.dumps([2, str(number), "StatusNotification", payload]).encode())
        await asyncio.sleep(max(0.0, sent + 0.5 - time.monotonic()))


def changes(received: Received, *, since: float) -> list[float]:
    """The seconds from each change of a status to its webhook."""
    times = [
        (datetime.fromisoformat(event["timestamp"]).timestamp(), event["seen"])
        for event in received.events
        if event["type"] == "connector.status_changed"
    ]
    return [seen - at for at, seen in times if at >= since]


def wait_until(found: Callable[[], list[float]], count: int) -> None:
    deadline = time.monotonic() + 60
    while len(found()) < count:
        assert time.monotonic() < deadline, f"{len(found())} of {count}"
        time.sleep(0.2)  # poll: another process writes its file
