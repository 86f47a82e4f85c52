"""Processors that a test can start and kill, and a fake gateway in the test process."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis

from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.keys import QueueKeys
from tests.conformance.peer import V16, Peer, at
from tests.distributed.cluster import Cluster
from tests.processes import Launched, launch, output_of


class WorkerPool:
    """The workers of one cluster's queue, addressed by process id."""

    def __init__(self, cluster: Cluster, *, stations: int) -> None:
        self.cluster = cluster
        self.log = cluster.folder / f"workers-{uuid.uuid4().hex[:6]}.log"
        self.pids: list[int] = []
        self._stations = stations
        self._unused = iter(range(stations))
        self._processes: dict[int, Launched] = {}

    async def __aenter__(self) -> WorkerPool:
        self.log.touch()
        status, out, err = await output_of(
            "call",
            "tests.distributed.queue.work:create_stations",
            str(self._stations),
            environment=self._environment,
        )
        assert status == 0, out + err
        return self

    async def __aexit__(self, *error: object) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            await asyncio.to_thread(process.wait, 60)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "ENV_FILE": os.devnull, **self.cluster.environment}

    async def add(self, count: int = 1, kind: str = "processor") -> list[int]:
        """Start workers and return their process ids."""
        added = []
        for _ in range(count):
            with open(self.log, "ab") as log:
                process = await asyncio.to_thread(
                    launch,
                    "call",
                    "tests.distributed.queue.work:work",
                    kind,
                    environment=self._environment,
                    stdout=log,
                    stderr=log,
                )
            self._processes[process.pid] = process
            added.append(process.pid)
        self.pids += added
        return added

    def unused_identity(self) -> str:
        """Return the identity of a created station that no test has used yet."""
        return f"Q-{next(self._unused)}"

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        self.pids.remove(pid)
        self._processes[pid].send_signal(number)

    def owner(self, identity: str) -> int:
        """The process id of the processor that claimed the station last."""
        key = QueueKeys(self.cluster.prefix).lease(identity)
        name = self.cluster.redis.client.hget(key, "owner")
        return int(str(name).split(".")[-2])

    async def stop(self, pid: int) -> None:
        """Send SIGTERM as a deployment does, and wait for the end of the process."""
        self.kill(pid, signal.SIGTERM)
        await asyncio.to_thread(self._processes[pid].wait, 60)


@asynccontextmanager
async def processors(cluster: Cluster, *, stations: int) -> AsyncIterator[WorkerPool]:
    """Run two processors on a database with stations. None of them may log a traceback."""
    async with WorkerPool(cluster, stations=stations) as worker_pool:
        await worker_pool.add(2)
        yield worker_pool
    log = log_of(worker_pool.log)
    assert "Traceback" not in log, log[-5000:]


class Socket:
    """The methods of a WebSocket that `Peer` uses, on top of the queue."""

    def __init__(self, gateway: FakeGateway, identity: str, version: str) -> None:
        self.gateway = gateway
        self.identity = identity
        self.version = version
        self.session_id = str(uuid.uuid4())
        self.inbox: asyncio.Queue[envelope.Envelope] = asyncio.Queue()
        self.seq = 0
        self.close_code: int | None = None

    async def send(self, text: str) -> None:
        self.seq += 1
        await self.gateway.push(self.identity, self.packed(text))

    def packed(self, text: str) -> bytes:
        return envelope.pack_frame(
            text,
            self.identity,
            session_id=self.session_id,
            ws_server_id=self.gateway.name,
            protocol=self.version,
            seq=self.seq,
        )

    async def recv(self) -> str:
        answer = await self.inbox.get()
        assert not answer.event, answer
        return answer.frame


def socket_of(peer: Peer) -> Socket:
    assert isinstance(peer.socket, Socket)
    return peer.socket


class FakeGateway:
    """A gateway after section 3 of the specification, with plain Redis commands and without sockets."""

    def __init__(self, redis: AsyncRedis, prefix: str) -> None:
        self.redis = redis
        self.keys = QueueKeys(prefix)
        self.name = f"gateway-{uuid.uuid4().hex[:6]}"
        self.sockets: dict[str, Socket] = {}
        self.strays: list[envelope.Envelope] = []
        self.is_ending = False
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._running_commands = 0

    async def connect(self, identity: str, version: str = V16) -> Peer:
        """Register a new connection of a station, and return its peer."""
        socket = Socket(self, identity, version)
        replaced = await self.redis.hgetall(self.keys.session(identity))  # type: ignore[misc]
        control = self.control(socket, envelope.CONNECT)
        fields = {
            "charge_point_id": identity,
            "session_id": socket.session_id,
            "ws_server_id": self.name,
            "remote_addr": "192.0.2.7",
            "protocol": version,
            "connected_at": "2026-01-01T00:00:00+00:00",
            "last_activity": "0",
            "replaced_id": replaced.get("session_id", ""),
            "replaced_channel": replaced.get("channel", ""),
            "fence": str(int(await self._now_ms() * 1000)),
        }
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.delete(self.keys.session(identity), self.keys.responses(identity))
        pipeline.hset(self.keys.session(identity), mapping=fields)
        pipeline.zadd(self.keys.clients, {identity: await self._now_ms() + 600_000})
        pipeline.publish(
            self.keys.news, orjson.dumps(["", [["online", identity, socket.session_id, fields["fence"]]]])
        )
        self.sockets[identity] = socket
        await self._push(pipeline, identity, control)
        return Peer(socket, version, identity)  # type: ignore[arg-type]

    async def disconnect(self, peer: Peer) -> None:
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.delete(self.keys.session(peer.identity))
        pipeline.zrem(self.keys.clients, peer.identity)
        gone = self.control(socket_of(peer), envelope.DISCONNECT, code=1006)
        await self._push(pipeline, peer.identity, gone)

    async def push(self, identity: str, *envelopes: bytes) -> None:
        await self._push(self.redis.pipeline(transaction=True), identity, *envelopes)

    def control(self, socket: Socket, event: str, **fields: Any) -> bytes:
        return envelope.pack_control(
            event,
            socket.identity,
            session_id=socket.session_id,
            ws_server_id=self.name,
            protocol=socket.version,
            **fields,
        )

    async def _push(self, pipeline: Any, identity: str, *envelopes: bytes) -> None:
        async with self._command():
            for one in envelopes:
                pipeline.lpush(self.keys.requests(identity), one)
            pipeline.zadd(self.keys.ready, {identity: await self._now_ms()}, nx=True)
            pipeline.lpush(self.keys.wakeups, "1")
            pipeline.ltrim(self.keys.wakeups, 0, 63)
            await pipeline.execute()

    @asynccontextmanager
    async def _command(self) -> AsyncIterator[None]:
        await self._is_open.wait()
        self._running_commands += 1
        try:
            yield
        finally:
            self._running_commands -= 1

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Run no Redis command meanwhile: a restart of Redis can then lose no reply to this gateway."""
        self._is_open.clear()
        while self._running_commands:
            await asyncio.sleep(0.01)  # until the last command has its reply
        try:
            yield
        finally:
            self._is_open.set()

    async def _now_ms(self) -> float:
        seconds, microseconds = await self.redis.time()
        return float(seconds * 1000 + microseconds // 1000)

    async def pump(self) -> None:
        """Deliver answers from the queue to their sockets."""
        while not self.is_ending:
            async with self._command():
                keys = [self.keys.gateway_wakeups(self.name)]
                found = await self.redis.blpop(keys, timeout=0.2)  # type: ignore[misc]
                for identity in [found[1]] if found else list(self.sockets):
                    await self._take(identity)

    async def _take(self, identity: str) -> None:
        socket = self.sockets[identity]
        while answers := await self.redis.rpop(self.keys.responses(identity), 100):  # type: ignore[misc]
            for text in answers:
                answer = envelope.parse(text)
                if answer.session_id in ("", socket.session_id):
                    socket.inbox.put_nowait(answer)
                else:
                    self.strays.append(answer)


@asynccontextmanager
async def fake_gateway(cluster: Cluster) -> AsyncIterator[FakeGateway]:
    pool = BlockingConnectionPool.from_url(
        f"redis://:{cluster.redis.password}@{cluster.redis.address}/0",
        decode_responses=True,
        protocol=2,
        max_connections=20,
        timeout=60,
    )
    redis = AsyncRedis.from_pool(pool)
    gateway = FakeGateway(redis, cluster.prefix)
    pumping = asyncio.create_task(gateway.pump())
    try:
        yield gateway
    finally:
        # The task ends by a flag: redis-py loses a cancellation that comes at the end of its own timeout.
        gateway.is_ending = True
        await pumping
        await redis.aclose()


def start_of(identity: str) -> dict[str, Any]:
    """The payload of a StartTransaction with the token of the station."""
    card = identity.replace("Q-", "CARD-")
    return {"connectorId": 1, "idTag": card, "meterStart": 100, "timestamp": at()}


def log_of(path: Path) -> str:
    return path.read_text("utf-8", "replace")


def waits_for_a_lock(cluster: Cluster) -> bool:
    return bool(
        cluster.rows(
            "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE NOT l.granted AND d.datname = current_database()"
        )
    )
