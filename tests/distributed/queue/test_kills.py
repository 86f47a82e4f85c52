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
from tests.distributed.queue.worker_pool import Front, Socket, WorkerPool, front, log_of, waits_for_a_lock

# Messages of one transaction: Started, Updated ..., Ended.
EVENTS = 10
STORED = """
    SELECT c.identity, t.ocpp_id AS transaction, e.seq_no FROM transactions_transactionevent e
    JOIN transactions_transaction t ON t.id = e.transaction_id
    JOIN chargepoints_chargepoint c ON c.id = t.charge_point_id ORDER BY e.id
"""
STORED_BY_BRPOP = "SELECT identity, transaction, seq_no FROM brpop_effect ORDER BY id"


@dataclass
class Speaker:
    """A station that does not wait for answers. `said` and `heard` are message ids in order."""

    identity: str
    random: random.Random
    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    transactions: list[str] = field(default_factory=list)

    async def speak(self, gateway: Front, messages: int) -> None:
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
        while len(self.heard) < messages:
            kind, message_id, *rest = orjson.loads(await socket.recv())
            self.heard.append(message_id)
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
            self.said.append(str(uuid.uuid4()))
            frames.append(orjson.dumps([2, self.said[-1], "TransactionEvent", event]).decode())
        return frames


@dataclass
class Run:
    speakers: list[Speaker]
    kills: int = 0
    restarts: int = 0
    seconds: float = 0.0

    def heard(self) -> int:
        return sum(len(speaker.heard) for speaker in self.speakers)

    def violations(self, stored: list[dict[str, object]]) -> list[str]:
        """What is not exactly as it was said, in words."""
        found: list[str] = []
        order: dict[str, list[tuple[object, object]]] = {}
        for row in stored:
            order.setdefault(str(row["identity"]), []).append((row["transaction"], row["seq_no"]))
        for speaker in self.speakers:
            meant: list[tuple[object, object]] = [
                (transaction, seq_no) for transaction in speaker.transactions for seq_no in range(EVENTS)
            ]
            have = order.get(speaker.identity, [])
            lost, many = Counter(meant) - Counter(have), Counter(have) - Counter(meant)
            if lost or many:
                found.append(f"{speaker.identity}: {lost.total()} lost, {many.total()} too many")
            elif have != meant:
                found.append(f"{speaker.identity}: out of order")
            if speaker.heard != speaker.said:
                found.append(
                    f"{speaker.identity}: {len(speaker.heard)} answers to {len(speaker.said)} messages,"
                    f" {len(set(speaker.heard))} of them different"
                )
            found += [f"{speaker.identity}: {refusal}" for refusal in speaker.refused]
        return found


async def run(  # noqa: PLR0913 - the scale of a run has so many sides
    cluster: Cluster,
    *,
    kind: str = "processor",
    workers: int,
    stations: int,
    messages: int,
    kills: int = 0,
    restarts: int = 0,
    patience: float,
) -> Run:
    """Until everything is answered, or `patience` seconds have passed without one more answer."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    print(f"CHAOS_SEED={seed}")
    dice = random.Random(seed)
    made = Run([Speaker(f"Q-{n}", random.Random(f"{seed}/{n}")) for n in range(stations)])
    async with WorkerPool(cluster, stations=stations) as worker_pool, front(cluster) as gateway:
        await worker_pool.add(workers, kind)
        began = time.monotonic()
        speaking = asyncio.gather(*(speaker.speak(gateway, messages) for speaker in made.speakers))
        for _ in range(kills):
            await _progress(made, dice.randrange(1, stations * messages // kills))
            worker_pool.kill(dice.choice(worker_pool.pids))
            made.kills += 1
            await worker_pool.add(1, kind)
        for _ in range(restarts):
            await _progress(made, dice.randrange(1, stations * messages // restarts // 2))
            async with gateway.at_rest():
                cluster.redis.stop()
                await asyncio.to_thread(cluster.redis.start)
            made.restarts += 1
        await _silence(made, speaking, patience)
        if speaking.done():
            await speaking
        else:
            print("not everything was answered")
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        made.seconds = time.monotonic() - began
        said = log_of(worker_pool.log)
    assert "Traceback" not in said, said[said.index("Traceback") - 500 :][:3000]
    return made


async def _silence(made: Run, speaking: asyncio.Future[Any], seconds: float) -> None:
    """Wait until they have said and heard everything, or nobody has heard anything for so long."""
    heard, since = made.heard(), time.monotonic()
    while not speaking.done() and time.monotonic() - since < seconds:
        await asyncio.wait([speaking], timeout=0.2)
        if (now := made.heard()) != heard:
            heard, since = now, time.monotonic()


async def _progress(made: Run, answers: int) -> None:
    """Wait for so many more answers; a moment is enough where nothing moves any more."""
    wanted, deadline = made.heard() + answers, time.monotonic() + 5
    while made.heard() < wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.002)  # other processes are at work


def tell(made: Run) -> None:
    messages = sum(len(speaker.said) for speaker in made.speakers)
    what = f"{made.kills} kills, {made.restarts} restarts of Redis, {messages} messages"
    print(f"{what} of {len(made.speakers)} stations in {made.seconds:.1f} s")


def found_out(cluster: Cluster, made: Run) -> None:
    """Messages were lost, and some came out of order."""
    tell(made)
    violations = made.violations(cluster.rows(STORED_BY_BRPOP))
    print("\n".join(violations[:10]))
    assert any("lost" in violation for violation in violations)
    assert any("out of order" in violation for violation in violations)


@pytest.mark.slow
async def test_killed_processors_lose_nothing_double_nothing_and_keep_the_order(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0)

    made = await run(cluster, workers=2, stations=40, messages=30, kills=5, patience=240)

    tell(made)
    assert made.violations(cluster.rows(STORED)) == []


@pytest.mark.slow
async def test_six_plain_brpop_consumers_are_found_out_by_the_same_run(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(0)

    made = await run(cluster, kind="brpop", workers=6, stations=40, messages=30, kills=10, patience=5)

    found_out(cluster, made)


@pytest.mark.slow
async def test_a_redis_that_keeps_its_file_may_be_restarted_in_full_flow(make_cluster: MakeCluster) -> None:
    redis = Redis(is_durable=True)
    try:
        cluster = make_cluster(0, on=redis)

        made = await run(cluster, workers=2, stations=40, messages=30, restarts=2, patience=240)

        tell(made)
        assert made.violations(cluster.rows(STORED)) == []
    finally:
        redis.close()


@pytest.mark.soak
async def test_six_processors_300_stations_18000_messages_30_kills(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(0)

    made = await run(cluster, workers=6, stations=300, messages=60, kills=30, patience=300)

    tell(made)
    assert made.violations(cluster.rows(STORED)) == []


@pytest.mark.soak
async def test_six_brpop_consumers_lose_and_reorder(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(0)

    made = await run(cluster, kind="brpop", workers=6, stations=300, messages=60, kills=30, patience=10)

    found_out(cluster, made)


@pytest.mark.slow
async def test_a_processor_that_hangs_over_a_message_is_fenced_and_the_message_has_one_effect(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0)
    async with WorkerPool(cluster, stations=1) as worker_pool, front(cluster) as gateway:
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
        # The claim of the first one has to run out; what it had in hand holds up the second one.
        await eventually(lambda: worker_pool.owner("Q-0") != hanging, 120)
        os.kill(hanging, signal.SIGCONT)

        answer = await peer.answer_to("start-1", 120)
        await peer.heartbeat()
        await eventually(lambda: "processor.fenced" in log_of(worker_pool.log))

    assert [row["id"] for row in cluster.transactions("Q-0")] == [answer[2]["transactionId"]]
