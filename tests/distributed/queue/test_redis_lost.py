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
from tests.distributed.conftest import MakeCluster
from tests.distributed.engines import Redis
from tests.distributed.queue.worker_pool import WorkerPool, log_of
from tests.distributed.test_outage import command_reaches, errors, lively
from tests.servers import LiveServer

STATIONS, SESSIONS, READINGS = 12, 3, 2
# As a station does: what was not answered is said again, over a new socket.
ANSWER_S = 4.0


@pytest.fixture(scope="module")
def mortal() -> Iterator[Redis]:
    engine = Redis(is_durable=True)
    yield engine
    engine.close()


class Charger:
    """A station that keeps every message until it is answered. `done` holds (number, meter at the end)."""

    def __init__(self, gateway: LiveServer) -> None:
        self.identity = fresh()
        self.done: list[tuple[int, int]] = []
        self.refused: list[str] = []
        self.reconnects = 0
        self._gateway = gateway
        self._peer: Peer | None = None
        self._stack = AsyncExitStack()

    async def charge(self, again: asyncio.Event) -> None:
        """At least so many sessions, and on until `again` is set."""
        while len(self.done) < SESSIONS or not again.is_set():
            meter = 1000 * (len(self.done) + 1)
            start = {"connectorId": 1, "idTag": "NOBODY", "meterStart": meter, "timestamp": at()}
            number = (await self.say("StartTransaction", start))["transactionId"]
            for reading in range(1, READINGS + 1):
                sample = {"timestamp": at(), "sampledValue": [{"value": str(meter + reading)}]}
                values = {"connectorId": 1, "transactionId": number, "meterValue": [sample]}
                await self.say("MeterValues", values)
            stop = {"transactionId": number, "meterStop": meter + 100, "timestamp": at()}
            await self.say("StopTransaction", stop)
            self.done.append((number, meter + 100))

    async def say(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
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
async def test_redis_flushed_and_restarted_under_load_loses_nothing_and_the_view_is_right_again(
    mortal: Redis, make_cluster: MakeCluster
) -> None:
    cluster = make_cluster(1, on=mortal)
    (web,) = cluster.servers
    (gateway,) = cluster.add(1, "gateway")
    chargers = [Charger(gateway) for _ in range(STATIONS)]
    is_over = asyncio.Event()
    async with WorkerPool(cluster, stations=0) as worker_pool:
        await worker_pool.add(2)
        charging = [asyncio.create_task(charger.charge(is_over)) for charger in chargers]

        for lose in (mortal.client.flushall, mortal.client.flushall, lambda: restart(mortal)):
            await progress(chargers)
            lose()
        await progress(chargers)
        is_over.set()
        await asyncio.wait_for(asyncio.gather(*charging), 240)

        # Who is connected and what runs: as it is, for everybody.
        everybody = sorted(charger.identity for charger in chargers)
        transactions = f"{cluster.prefix}:business:transactions"
        await eventually(lambda: sorted(lively(cluster)) == everybody)
        await eventually(lambda: sorted(cluster.clients(web)) == everybody)
        await eventually(lambda: not mortal.client.hlen(transactions))
        for charger in chargers[:3]:
            await command_reaches(web, charger.peer)
        for charger in chargers:
            await charger.leave()
        said = log_of(worker_pool.log)

    for charger in chargers:
        assert charger.refused == []
        assert errors(cluster, charger.identity) == []
        rows = cluster.transactions(charger.identity)
        assert [(row["id"], int(row["meter_stop_wh"] or 0)) for row in rows] == charger.done
        readings = cluster.rows(
            "SELECT count(*) AS n FROM transactions_metervalue v JOIN chargepoints_chargepoint c"
            " ON c.id = v.charge_point_id WHERE c.identity = %s AND v.context NOT LIKE 'Transaction%%'",
            charger.identity,
        )
        assert readings[0]["n"] == READINGS * len(charger.done)
    numbers = [number for charger in chargers for number, _ in charger.done]
    assert len(set(numbers)) == len(numbers)
    print(f"{len(numbers)} sessions, {sum(charger.reconnects for charger in chargers)} reconnects")
    assert "Traceback" not in said + cluster.log()


def restart(redis: Redis) -> None:
    redis.stop()
    redis.start()


async def progress(chargers: list[Charger]) -> None:
    """Wait until everybody has charged once more: no outage meets a standing line."""
    before = [len(charger.done) for charger in chargers]
    async with asyncio.timeout(160):
        while any(len(charger.done) <= count for charger, count in zip(chargers, before, strict=True)):
            await asyncio.sleep(0.02)  # other processes are at work
