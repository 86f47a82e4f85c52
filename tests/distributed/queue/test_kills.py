"""SIGKILL at random moments: every message has exactly one effect, in order, for all stations (section 7)."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest

from tests.conformance.peer import V201, eventually
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.engines import Redis
from tests.distributed.queue.worker_pool import (
    FakeGateway,
    Socket,
    WorkerPool,
    fake_gateway,
    log_of,
    waits_for_a_lock,
)
from tests.seeds import chosen_seed

# Messages of one transaction: Started, Updated ..., Ended.
EVENTS = 10
STORED = """
    SELECT c.identity, t.ocpp_id AS transaction, e.seq_no FROM transactions_transactionevent e
    JOIN transactions_transaction t ON t.id = e.transaction_id
    JOIN chargepoints_chargepoint c ON c.id = t.charge_point_id ORDER BY e.id
"""
STORED_BY_BRPOP = "SELECT identity, transaction, seq_no FROM brpop_effect ORDER BY id"


@dataclass
class PipeliningStation:
    """A station that does not wait for answers. `sent` and `answered` are message ids in order."""

    identity: str
    random: random.Random
    sent: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    transactions: list[str] = field(default_factory=list)

    async def run(self, gateway: FakeGateway, messages: int) -> None:
        peer = await gateway.connect(self.identity, V201)
        socket: Socket = peer.socket  # type: ignore[assignment]
        listening = asyncio.create_task(self._listen(socket, messages))
        frames = self._frames(messages)
        while frames:
            count = self.random.randrange(1, 9)
            some, frames = frames[:count], frames[count:]
            await gateway.push(self.identity, *map(socket.packed, some))
            await asyncio.sleep(self.random.random() * 0.2)
        await listening

    async def _listen(self, socket: Socket, messages: int) -> None:
        while len(self.answered) < messages:
            kind, message_id, *rest = orjson.loads(await socket.recv())
            self.answered.append(message_id)
            if kind != 3:
                self.refused.append(f"{message_id}: {rest}")

    def _frames(self, messages: int) -> list[str]:
        frames, at = [], datetime.now(UTC)
        card = {"idToken": self.identity.replace("Q-", "CARD-"), "type": "ISO14443"}
        for number in range(messages):
            seq_no = number % EVENTS
            if seq_no == 0:
                self.transactions.append(str(uuid.uuid4()))
            at += timedelta(milliseconds=1)
            timestamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            kind = "Started" if seq_no == 0 else "Ended" if seq_no == EVENTS - 1 else "Updated"
            event = {
                "eventType": kind,
                "timestamp": timestamp,
                "triggerReason": "Authorized" if seq_no == 0 else "MeterValuePeriodic",
                "seqNo": seq_no,
                "transactionInfo": {"transactionId": self.transactions[-1]},
                "evse": {"id": 1, "connectorId": 1},
                "meterValue": [{"timestamp": timestamp, "sampledValue": [{"value": number}]}],
            }
            if seq_no == 0:
                event["idToken"] = card
            self.sent.append(str(uuid.uuid4()))
            frames.append(orjson.dumps([2, self.sent[-1], "TransactionEvent", event]).decode())
        return frames


@dataclass
class Run:
    stations: list[PipeliningStation]
    kills: int = 0
    restarts: int = 0
    seconds: float = 0.0

    def answered(self) -> int:
        return sum(len(station.answered) for station in self.stations)

    def violations(self, stored: list[dict[str, object]]) -> list[str]:
        """Describe every difference between the stored events, the answers and the sent messages."""
        found: list[str] = []
        order: dict[str, list[tuple[object, object]]] = {}
        for row in stored:
            order.setdefault(str(row["identity"]), []).append((row["transaction"], row["seq_no"]))
        for station in self.stations:
            expected: list[tuple[object, object]] = [
                (transaction, seq_no) for transaction in station.transactions for seq_no in range(EVENTS)
            ]
            have = order.get(station.identity, [])
            lost, many = Counter(expected) - Counter(have), Counter(have) - Counter(expected)
            if lost or many:
                found.append(f"{station.identity}: {lost.total()} lost, {many.total()} too many")
            elif have != expected:
                found.append(f"{station.identity}: out of order")
            if station.answered != station.sent:
                found.append(
                    f"{station.identity}: {len(station.answered)} answers to {len(station.sent)} messages,"
                    f" {len(set(station.answered))} of them different"
                )
            found += [f"{station.identity}: {refusal}" for refusal in station.refused]
        return found


async def run(  # noqa: PLR0913 - each parameter sets one dimension of the run
    cluster: Cluster,
    *,
    kind: str = "processor",
    workers: int,
    stations: int,
    messages: int,
    kills: int = 0,
    restarts: int = 0,
    quiet_s: float,
) -> Run:
    """Run until every message is answered, or until `quiet_s` seconds pass without an answer."""
    seed = chosen_seed("kills")
    dice = random.Random(seed)
    made = Run([PipeliningStation(f"Q-{n}", random.Random(f"{seed}/{n}")) for n in range(stations)])
    async with WorkerPool(cluster, stations=stations) as worker_pool, fake_gateway(cluster) as gateway:
        await worker_pool.add(workers, kind)
        began = time.monotonic()
        running = asyncio.gather(*(station.run(gateway, messages) for station in made.stations))
        for _ in range(kills):
            await _progress(made, dice.randrange(1, stations * messages // kills))
            worker_pool.kill(dice.choice(worker_pool.pids))
            made.kills += 1
            await worker_pool.add(1, kind)
        for _ in range(restarts):
            await _progress(made, dice.randrange(1, stations * messages // restarts // 2))
            async with gateway.paused():
                cluster.redis.stop()
                await asyncio.to_thread(cluster.redis.start)
            made.restarts += 1
        await _finish(made, running, quiet_s)
        if running.done():
            await running
        else:
            print("not everything was answered")
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        made.seconds = time.monotonic() - began
        log = log_of(worker_pool.log)
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]
    return made


async def _finish(made: Run, running: asyncio.Future[Any], quiet_s: float) -> None:
    """Wait until all stations have their answers, or until no answer has come for `quiet_s` seconds."""
    answered, since = made.answered(), time.monotonic()
    while not running.done() and time.monotonic() - since < quiet_s:
        await asyncio.wait([running], timeout=0.2)
        if (now := made.answered()) != answered:
            answered, since = now, time.monotonic()


async def _progress(made: Run, answers: int) -> None:
    """Wait for this many more answers, but at most five seconds: the run may be stuck."""
    wanted, deadline = made.answered() + answers, time.monotonic() + 5
    while made.answered() < wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.002)  # poll: other processes do the work


def print_figures(made: Run) -> None:
    messages = sum(len(station.sent) for station in made.stations)
    events = f"{made.kills} kills, {made.restarts} restarts of Redis, {messages} messages"
    print(f"{events} of {len(made.stations)} stations in {made.seconds:.1f} s")


def assert_faults_detected(cluster: Cluster, made: Run) -> None:
    """Check that the run has found lost messages and a wrong order."""
    print_figures(made)
    violations = made.violations(cluster.rows(STORED_BY_BRPOP))
    print("\n".join(violations[:10]))
    assert any("lost" in violation for violation in violations)
    assert any("out of order" in violation for violation in violations)


@pytest.mark.slow
async def test_killed_processors_lose_no_message_store_none_twice_and_keep_the_order(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0)

    made = await run(cluster, workers=2, stations=40, messages=30, kills=5, quiet_s=240)

    print_figures(made)
    assert made.violations(cluster.rows(STORED)) == []


@pytest.mark.nightly
async def test_the_same_run_detects_the_faults_of_six_plain_brpop_consumers(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0)

    made = await run(cluster, kind="brpop", workers=6, stations=40, messages=30, kills=10, quiet_s=5)

    assert_faults_detected(cluster, made)


@pytest.mark.slow
async def test_a_durable_redis_can_be_restarted_under_load(make_cluster: MakeCluster) -> None:
    redis = Redis(is_durable=True)
    try:
        cluster = make_cluster(0, on=redis)

        made = await run(cluster, workers=2, stations=40, messages=30, restarts=2, quiet_s=240)

        print_figures(made)
        assert made.violations(cluster.rows(STORED)) == []
    finally:
        redis.close()


@pytest.mark.soak
async def test_six_processors_300_stations_18000_messages_30_kills(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(0)

    made = await run(cluster, workers=6, stations=300, messages=60, kills=30, quiet_s=300)

    print_figures(made)
    assert made.violations(cluster.rows(STORED)) == []


@pytest.mark.soak
async def test_six_brpop_consumers_lose_and_reorder(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(0)

    made = await run(cluster, kind="brpop", workers=6, stations=300, messages=60, kills=30, quiet_s=10)

    assert_faults_detected(cluster, made)


@pytest.mark.slow
async def test_a_processor_that_hangs_over_a_message_is_fenced_and_the_message_has_one_effect(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0)
    async with WorkerPool(cluster, stations=1) as worker_pool, fake_gateway(cluster) as gateway:
        (hanging,) = await worker_pool.add(1)
        peer = await gateway.connect("Q-0")
        await peer.boot()
        start = {"connectorId": 1, "idTag": "CARD-0", "meterStart": 1, "timestamp": "2026-01-01T00:00:00Z"}
        with psycopg.connect(cluster.database_url) as lock:
            lock.execute("LOCK TABLE transactions_transaction IN EXCLUSIVE MODE")
            await peer.send([2, "start-1", "StartTransaction", start])
            await eventually(lambda: waits_for_a_lock(cluster))
            os.kill(hanging, signal.SIGSTOP)
            lock.rollback()
        await worker_pool.add(1)
        # The second processor takes the station over only when the claim of the first one has expired.
        await eventually(lambda: worker_pool.owner("Q-0") != hanging, 120)
        os.kill(hanging, signal.SIGCONT)

        answer = await peer.answer_to("start-1", 120)
        await peer.heartbeat()
        await eventually(lambda: "processor.fenced" in log_of(worker_pool.log))

    assert [row["id"] for row in cluster.transactions("Q-0")] == [answer[2]["transactionId"]]
