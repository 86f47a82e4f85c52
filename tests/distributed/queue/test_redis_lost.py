"""Redis flushed and restarted while stations charge through a gateway and processors (F18, F19)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conformance.peer import (
    V16,
    Peer,
    Refused,
    at,
    boot_payload,
    eventually,
    fresh,
    new_id,
    station,
)
from tests.direct.samples import ordinary
from tests.distributed.conftest import MakeCluster
from tests.distributed.engines import Redis
from tests.distributed.queue.worker_pool import WorkerPool, log_of
from tests.distributed.test_outage import command_reaches, errors, registered
from tests.servers import LiveServer

STATIONS, SESSIONS, READINGS = 12, 3, 2
# A station that gets no answer within this time repeats the message over a new socket.
ANSWER_S = 4.0


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    engine = Redis(is_durable=True)
    yield engine
    engine.close()


class Charger:
    """A station that repeats each message until it is answered. `done` holds (number, meter at the end)."""

    def __init__(self, gateway: LiveServer) -> None:
        self.identity = fresh()
        self.done: list[tuple[int, int]] = []
        self.refused: list[str] = []
        self.reconnects = 0
        self._gateway = gateway
        self._peer: Peer | None = None
        self._stack = AsyncExitStack()

    async def charge(self, is_over: asyncio.Event) -> None:
        """Charge until `is_over` is set, but at least SESSIONS sessions."""
        while len(self.done) < SESSIONS or not is_over.is_set():
            meter = 1000 * (len(self.done) + 1)
            start = {"connectorId": 1, "idTag": "NOBODY", "meterStart": meter, "timestamp": at()}
            number = (await self.deliver("StartTransaction", start))["transactionId"]
            for reading in range(1, READINGS + 1):
                sample = {"timestamp": at(), "sampledValue": [{"value": str(meter + reading)}]}
                values = {"connectorId": 1, "transactionId": number, "meterValue": [sample]}
                await self.deliver("MeterValues", values)
            stop = {"transactionId": number, "meterStop": meter + 100, "timestamp": at()}
            await self.deliver("StopTransaction", stop)
            self.done.append((number, meter + 100))

    async def deliver(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        message_id = new_id()
        while True:
            try:
                if self._peer is None:
                    await self._connect()
                assert self._peer is not None
                return await self._peer.call(action, payload, message_id=message_id, timeout=ANSWER_S)
            except (ConnectionClosed, InvalidStatus, TimeoutError, OSError):
                await self.leave()
                self.reconnects += 1
                await asyncio.sleep(0.2)
            except Refused as refusal:
                self.refused.append(str(refusal))
                raise

    async def _connect(self) -> None:
        peer = await self._stack.enter_async_context(
            station(self._gateway, identity=self.identity, boot=False, close_timeout=1)
        )
        self._peer = peer
        await peer.call("BootNotification", boot_payload(V16), timeout=ANSWER_S)

    async def leave(self) -> None:
        self._peer, stack, self._stack = None, self._stack, AsyncExitStack()
        await stack.aclose()

    @property
    def peer(self) -> Peer:
        assert self._peer is not None
        return self._peer


@pytest.mark.slow
async def test_a_flush_or_restart_of_redis_under_load_loses_nothing_and_the_live_state_recovers(
    own_redis: Redis, make_cluster: MakeCluster
) -> None:
    cluster = make_cluster(1, on=own_redis)
    (web,) = cluster.servers
    (gateway,) = cluster.add(1, "gateway")
    chargers = [Charger(gateway) for _ in range(STATIONS)]
    is_over = asyncio.Event()
    async with WorkerPool(cluster, stations=0) as worker_pool:
        await worker_pool.add(2)
        charging = [asyncio.create_task(charger.charge(is_over)) for charger in chargers]

        for lose in (own_redis.client.flushall, own_redis.client.flushall, lambda: restart(own_redis)):
            await progress(chargers)
            lose()
        await progress(chargers)
        is_over.set()
        await asyncio.wait_for(asyncio.gather(*charging), 240)

        # All processes know again which stations are connected and which sessions run.
        identities = sorted(charger.identity for charger in chargers)
        transactions = f"{cluster.prefix}:business:transactions"
        await eventually(lambda: sorted(registered(cluster)) == identities)
        await eventually(lambda: sorted(cluster.clients(web)) == identities)
        await eventually(lambda: not own_redis.client.hlen(transactions))
        for charger in chargers[:3]:
            await command_reaches(web, charger.peer)
        for charger in chargers:
            await charger.leave()
        log = log_of(worker_pool.log)

    for charger in chargers:
        assert charger.refused == []
        assert errors(cluster, charger.identity) == []
        rows = cluster.transactions(charger.identity)
        assert [(row["id"], int(row["meter_stop_wh"] or 0)) for row in rows] == charger.done
        readings = cluster.rows(
            "SELECT v.samples FROM transactions_reading v JOIN chargepoints_chargepoint c"
            " ON c.id = v.charge_point_id WHERE c.identity = %s",
            charger.identity,
        )
        assert len(ordinary(readings)) == READINGS * len(charger.done)
    numbers = [number for charger in chargers for number, _ in charger.done]
    assert len(set(numbers)) == len(numbers)
    print(f"{len(numbers)} sessions, {sum(charger.reconnects for charger in chargers)} reconnects")
    assert "Traceback" not in log + cluster.log()


def restart(redis: Redis) -> None:
    redis.stop()
    redis.start()


async def progress(chargers: list[Charger]) -> None:
    """Wait until each station has completed one more session, so that every outage comes under load."""
    before = [len(charger.done) for charger in chargers]
    async with asyncio.timeout(160):
        while any(len(charger.done) <= count for charger, count in zip(chargers, before, strict=True)):
            await asyncio.sleep(0.02)  # poll: other processes do the work
