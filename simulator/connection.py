"""The connection of a station: connect, boot, send heartbeats, lose the socket, reconnect."""

import asyncio
import contextlib
import dataclasses
import itertools
import random
import ssl
import time
from typing import TYPE_CHECKING

from websockets.exceptions import InvalidURI

from simulator.clock import Clock
from simulator.conversation import Conversation
from simulator.handshake import CONNECT_ERRORS, address, open_socket, reason
from simulator.latency import Latencies
from simulator.misbehaviour import Misbehaviour
from simulator.versions import SUBPROTOCOL
from simulator.wire import WIRES, CallFailed, NoAnswer, Wire

if TYPE_CHECKING:
    from simulator.connector import Connector
    from simulator.dialects import Dialect
    from simulator.network import Network
    from simulator.outbox import Outbox
    from simulator.settings import Settings
    from simulator.signing import Signing

DEFAULT_INTERVAL_S = 300
# Real seconds between two periodic messages of an isolated station, at least.
ISOLATED_INTERVAL_S = 1.0
BACKOFF_S = (1, 2, 5, 10, 20, 30)


class StationConnection(Conversation):
    """The network part of a station; the charging part is :mod:`simulator.station`."""

    dialect: "Dialect"
    settings: "Settings"
    outbox: "Outbox"
    network: "Network"
    signing: "Signing"
    renews: bool
    connectors: "list[Connector]"
    vendor: str
    model: str
    serial: str
    firmware: str

    # An isolated station reaches its first endpoint, under its own identity, and no address that a command
    # names: it may run inside of the network of the server.
    is_isolated = False

    def __init__(
        self,
        identity: str,
        version: str,
        url: str,
        *,
        password: str | bytes | None,
        seed: int | str,
        speed: float,
        retry_connect: bool,
        boot_on_reconnect: bool,
        call_timeout_s: float,
        open_timeout_s: float,
        ping_interval_s: float | None,
        tls: ssl.SSLContext | None,
        log_size: int,
        latencies: Latencies | None,
        misbehaviour: Misbehaviour | None,
    ) -> None:
        super().__init__(identity, version, log_size=log_size, latencies=latencies, misbehaviour=misbehaviour)
        self.url, self.password = url, password
        # A password that was answered with RebootRequired: used from the next restart on.
        self.password_after_restart: str | bytes | None = None
        self.retry_connect = retry_connect
        self.boot_on_reconnect = boot_on_reconnect
        self.clock = Clock(speed)
        self.rng = random.Random(f"{seed}:{identity}")  # noqa: S311 - behaviour, not secrets
        self.online = asyncio.Event()  # connected and accepted
        self.ready = asyncio.Event()  # online, and every connector status sent
        self.offline = asyncio.Event()  # the opposite of online, so that both can be awaited
        self.offline.set()
        self.registration: str | None = None
        self.boots = 0
        self.stopping = False
        self.last_error: BaseException | None = None
        self._call_timeout_s, self._open_timeout_s = call_timeout_s, open_timeout_s
        self._ping_interval_s, self.tls = ping_interval_s, tls
        self._runner: asyncio.Task[None] | None = None
        self._events: list[dict[str, str]] = []  # security events that are not sent yet
        self._connected_once = False
        self._needs_boot = True
        self._boot_reason = "PowerUp"
        self._boot_wanted = asyncio.Event()
        self._may_connect = asyncio.Event()
        self._may_connect.set()
        self._socket_closed = asyncio.Event()
        self._socket_closed.set()

    async def announce(self, connector: "Connector", *, again: bool = False) -> None:
        """Send a connector's status when it changed; implemented by :class:`simulator.station.Station`."""
        raise NotImplementedError

    @property
    def address(self) -> str:
        """The URL the station connects to."""
        return address(self.url, self.identity)

    @property
    def not_accepted_reason(self) -> str | None:
        """The reason why the station was never accepted, as text; None when it was accepted."""
        if self.boots:
            return None
        if self._runner is None:
            return "the run ended before this station was started"
        if not self._connected_once:
            return reason(self.last_error)
        if self.registration is None:
            return "the server did not answer BootNotification"
        return f"the server answered BootNotification with {self.registration}"

    # -- start and stop

    async def start(self, *, timeout_s: float | None = 60.0) -> None:
        """Connect and boot; returns when the station is accepted and has sent its statuses.

        Raises ConnectionError when the first connection fails and ``retry_connect`` is off, TimeoutError when
        it takes longer than timeout_s (real seconds; None waits without limit).
        """
        self._runner = asyncio.create_task(self._run())
        ready = asyncio.create_task(self.ready.wait())
        done, _ = await asyncio.wait(
            {ready, self._runner}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        ready.cancel()
        if self._runner in done:
            failure = self._runner.exception() or self.last_error
            raise ConnectionError(f"{self.address}: {reason(failure)}") from failure
        if not self.ready.is_set():
            await self.stop()
            raise TimeoutError(f"{self.identity} was not accepted within {timeout_s} s")

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """End sessions locally, wait up to grace_s real seconds for the answers to their last messages, and
        close.
        """
        self.stopping = True
        open_sessions = [connector.session for connector in self.connectors if connector.session]
        for session in open_sessions:
            session.request_stop("Local")
        pending = [task for task in self._tasks if task.get_name().startswith("session")]
        if pending and self.online.is_set():
            await asyncio.wait(pending, timeout=grace_s)
        self._may_connect.set()
        await self.outbox.stop()
        await self._drop()
        for task in [*self._tasks, *([self._runner] if self._runner else [])]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, *CONNECT_ERRORS):
                await task

    async def _run(self) -> None:
        failures = 0
        while not self.stopping:
            await self._may_connect.wait()
            try:
                wire = await self._connect()
            except (*CONNECT_ERRORS, InvalidURI) as failure:
                self.last_error = failure
                self.network.failed(failure)
                self.latencies.fail("connect", "connect")
                if not self.retry_connect and not self._connected_once:
                    raise
                # Jitter: a thousand stations that lost the same server must not reconnect in the same second.
                delay = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                await asyncio.sleep(delay * self.rng.uniform(0.5, 1.0) / min(self.clock.speed, 10))
                failures += 1
                continue
            failures = 0
            self._connected_once = True
            await self._serve(wire)

    async def _connect(self) -> Wire:
        began = time.perf_counter()
        way = self.network.next()
        if self.is_isolated:
            way = dataclasses.replace(way, url=self.url, identity=self.identity, password=self.password)
        connection = await open_socket(
            way.url,
            way.identity,
            SUBPROTOCOL[self.version],
            password=way.password,
            open_timeout_s=self._open_timeout_s,
            ping_interval_s=self._ping_interval_s,
            tls=self.network.tls(way),
        )
        self.network.connected(connection.transport.get_extra_info("ssl_object"))
        self.latencies.record("connect", time.perf_counter() - began)
        wire = WIRES[self.version](
            self.identity,
            connection,
            answerer=self._answer,
            recorder=self._record,
            timeout_s=self._call_timeout_s,
        )
        if self.misbehaviour.ids_restart:
            wire.counter = itertools.count(1)
        return wire

    async def _serve(self, wire: Wire) -> None:
        self.wire = wire
        self._socket_closed.clear()
        messages = asyncio.create_task(self._send_own_messages())
        try:
            await wire.start()
        finally:
            self.wire = None
            self._set_online(False)
            messages.cancel()
            with contextlib.suppress(asyncio.CancelledError, NoAnswer):
                await messages
            self._needs_boot = self._needs_boot or self.boot_on_reconnect
            self._socket_closed.set()

    async def _send_own_messages(self) -> None:
        """Send what a connected station sends by itself: boot, statuses, heartbeats."""
        with contextlib.suppress(NoAnswer):
            while True:
                if self._needs_boot and not self.misbehaviour.no_boot:
                    await self._register()
                self._needs_boot = False
                self._set_online(True)
                for connector in self.connectors:
                    await self.announce(connector)
                await self._send_events()
                self.ready.set()
                if self.renews:
                    self.background(self.signing.renew(), name="renewal")
                self.outbox.wake()
                while not self._needs_boot:
                    await self._heartbeat()

    async def _register(self) -> None:
        """Send BootNotification until it is Accepted, waiting the given interval in between (1.6 section 4.2,
        2.0.1 B01-B03).
        """
        while True:
            self._boot_wanted.clear()
            interval = DEFAULT_INTERVAL_S
            with contextlib.suppress(CallFailed):
                answer = await self.call("BootNotification", self.dialect.boot(self, self._boot_reason))
                self.registration = answer["status"]
                interval = answer.get("interval") or DEFAULT_INTERVAL_S
                self.clock.sync(answer.get("currentTime", ""))
                if self.registration == "Accepted":
                    self.boots += 1
                    self.settings.put("heartbeat_interval", interval)
                    self._boot_reason = "PowerUp"
                    return
            await self._wait_or_boot(interval)

    def report_event(self, kind: str, details: str = "") -> None:
        """Send a security event with the next boot or reconnect; the same one waits only once."""
        event = {"type": kind, "timestamp": self.clock.text()}
        if details:
            event["techInfo"] = details[:255]
        if kind not in [one["type"] for one in self._events]:
            self._events.append(event)

    async def _send_events(self) -> None:
        while self._events:
            with contextlib.suppress(CallFailed):
                await self.call("SecurityEventNotification", self._events[0])
            del self._events[0]

    async def _heartbeat(self) -> None:
        interval = self.settings.number("heartbeat_interval")
        if not await self._wait_or_boot(interval or DEFAULT_INTERVAL_S):
            with contextlib.suppress(CallFailed):
                answer = await self.call("Heartbeat", {})
                self.clock.sync(answer.get("currentTime", ""))

    @property
    def shortest_interval_s(self) -> float:
        """The fewest simulated seconds between two periodic messages. Callers set the intervals and the speed
        of an isolated station, which runs in the process of the server.
        """
        return ISOLATED_INTERVAL_S * self.clock.speed if self.is_isolated else 0.0

    async def _wait_or_boot(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(max(seconds, self.shortest_interval_s) / self.clock.speed):
                await self._boot_wanted.wait()
        except TimeoutError:
            return False
        return True

    def boot_now(self, reason: str = "Triggered") -> None:
        """Send BootNotification again on this connection, at once."""
        self._boot_reason = reason
        self._needs_boot = True
        self._boot_wanted.set()

    def _set_online(self, online: bool) -> None:
        on, off = (self.online, self.offline) if online else (self.offline, self.online)
        on.set()
        off.clear()
        if not online:
            self.ready.clear()

    # -- connection control

    async def _drop(self, *, abrupt: bool = False) -> None:
        wire = self.wire
        self._set_online(False)
        if wire is not None:
            await wire.close(abrupt=abrupt)
            await self._socket_closed.wait()  # until the reader has seen the close

    async def go_offline(self, seconds: float | None = None, *, abrupt: bool = True) -> None:
        """Close the socket and stay offline; sessions go on and their messages are queued. Reconnects after
        the given simulated seconds, or at :meth:`go_online` when none are given. Returns as soon as the
        socket is closed.
        """
        self._may_connect.clear()
        await self._drop(abrupt=abrupt)
        if seconds is not None:
            self.background(self._come_back(seconds), name="come-back")

    async def _come_back(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._may_connect.set()

    async def go_online(self) -> None:
        """Reconnect, and wait until the station is ready."""
        self._may_connect.set()
        await self.ready.wait()

    async def reconnect(self, *, abrupt: bool = False) -> None:
        """Close the socket, open a new one and wait until the station is ready; boots again only with
        ``boot_on_reconnect``.
        """
        await self._drop(abrupt=abrupt)
        await self.go_online()
