"""A station's life on the network: connects, boots, beats, talks, listens, loses the socket, comes back."""

import asyncio
import base64
import contextlib
import inspect
import itertools
import logging
import random
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from simulator import schemas
from simulator.answers import answer_call
from simulator.clock import Clock
from simulator.framelog import FrameLog
from simulator.latency import Latencies
from simulator.mischief import Mischief
from simulator.versions import SUBPROTOCOL
from simulator.wire import WIRES, CallFailed, NoAnswer, Wire

if TYPE_CHECKING:
    from simulator.connector import Connector
    from simulator.dialects import Dialect
    from simulator.outbox import Outbox
    from simulator.settings import Settings

logger = logging.getLogger("simulator")

CLOSING_S = 10.0  # real seconds the closing handshake may take
DEFAULT_INTERVAL_S = 300
BACKOFF_S = (1, 2, 5, 10, 20, 30)
CONNECT_ERRORS = (OSError, InvalidHandshake, TimeoutError, EOFError)

Handler = Callable[[dict[str, Any]], Any]


class SubprotocolError(ConnectionError):
    """The server completed the handshake without agreeing to our subprotocol."""


class StationConnection(FrameLog):
    """The network half of a station; the other half is in :mod:`simulator.station`."""

    dialect: "Dialect"
    settings: "Settings"
    outbox: "Outbox"
    connectors: "list[Connector]"
    vendor: str
    model: str
    serial: str
    firmware: str

    def __init__(
        self,
        identity: str,
        version: str,
        url: str,
        *,
        password: str | bytes | None,
        seed: int | str,
        speed: float,
        patient: bool,
        boot_on_reconnect: bool,
        call_timeout_s: float,
        open_timeout_s: float,
        ping_interval_s: float | None,
        log_size: int,
        latencies: Latencies | None,
        mischief: Mischief | None,
    ) -> None:
        super().__init__(log_size=log_size)
        self.identity, self.version, self.url, self.password = identity, version, url, password
        self.patient = patient
        self.boot_on_reconnect = boot_on_reconnect
        self.clock = Clock(speed)
        self.rng = random.Random(f"{seed}:{identity}")  # noqa: S311 - behaviour, not secrets
        self.mischief = mischief or Mischief()
        self.latencies = latencies if latencies is not None else Latencies()
        self.wire: Wire | None = None
        self.online = asyncio.Event()  # connected and accepted
        self.ready = asyncio.Event()  # online, and every status told
        self.offline = asyncio.Event()  # the opposite, so that both can be awaited
        self.offline.set()
        self.registration: str | None = None
        self.boots = 0
        self.stopping = False
        self.last_error: BaseException | None = None
        self._scripts: dict[str, Handler] = {}
        self._call_timeout_s, self._open_timeout_s = call_timeout_s, open_timeout_s
        self._ping_interval_s = ping_interval_s
        self._runner: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._connected_once = False
        self._needs_boot = True
        self._boot_reason = "PowerUp"
        self._boot_wanted = asyncio.Event()
        self._may_connect = asyncio.Event()
        self._may_connect.set()
        self._unserved = asyncio.Event()
        self._unserved.set()

    async def announce(self, connector: "Connector", *, again: bool = False) -> None:
        """Tell a connector's status when it changed; the other half knows how."""
        raise NotImplementedError

    # -- life

    async def start(self, *, timeout_s: float | None = 60.0) -> None:
        """Connect and boot; returns when the station is accepted and has told its statuses.

        Raises ConnectionError when the first connection fails and the station isn't patient, TimeoutError
        when it takes longer than timeout_s (real seconds; None waits for ever).
        """
        self._runner = asyncio.create_task(self._run())
        ready = asyncio.create_task(self.ready.wait())
        done, _ = await asyncio.wait(
            {ready, self._runner}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        ready.cancel()
        if self._runner in done:
            failure = self._runner.exception() or self.last_error
            raise ConnectionError(f"{self.identity}: {failure or 'stopped'}") from failure
        if not self.ready.is_set():
            await self.stop()
            raise TimeoutError(f"{self.identity} was not accepted within {timeout_s} s")

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """End sessions locally, give their last messages grace_s real seconds to be answered, and close."""
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
                self.latencies.fail("connect", "connect")
                if not self.patient and not self._connected_once:
                    raise
                # Jitter: a thousand stations that lost the same server must not come back in the same second.
                delay = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                await asyncio.sleep(delay * self.rng.uniform(0.5, 1.0) / min(self.clock.speed, 10))
                failures += 1
                continue
            failures = 0
            self._connected_once = True
            await self._serve(wire)

    async def _connect(self) -> Wire:
        headers = {}
        if self.password is not None:
            secret = self.password if isinstance(self.password, bytes) else self.password.encode()
            headers["Authorization"] = (
                "Basic " + base64.b64encode(self.identity.encode() + b":" + secret).decode()
            )
        began = time.perf_counter()
        connection = await connect(
            f"{self.url.rstrip('/')}/{quote(self.identity, safe='')}",
            subprotocols=[Subprotocol(SUBPROTOCOL[self.version])],
            additional_headers=headers,
            compression=None,
            open_timeout=self._open_timeout_s,
            close_timeout=CLOSING_S,
            ping_interval=self._ping_interval_s,
            max_size=2**22,
            proxy=None,
        )
        self.latencies.record("connect", time.perf_counter() - began)
        if connection.subprotocol is None:
            await connection.close()
            raise SubprotocolError(f"the server did not agree to {SUBPROTOCOL[self.version]}")
        wire = WIRES[self.version](
            self.identity,
            connection,
            answerer=self._answer,
            recorder=self._record,
            timeout_s=self._call_timeout_s,
        )
        if self.mischief.ids_restart:
            wire.counter = itertools.count(1)
        return wire

    async def _serve(self, wire: Wire) -> None:
        self.wire = wire
        self._unserved.clear()
        duties = asyncio.create_task(self._duties())
        try:
            await wire.start()
        finally:
            self.wire = None
            self._set_online(False)
            duties.cancel()
            with contextlib.suppress(asyncio.CancelledError, NoAnswer):
                await duties
            self._needs_boot = self._needs_boot or self.boot_on_reconnect
            self._unserved.set()

    async def _duties(self) -> None:
        """What the station does by itself while connected: boot, statuses, heartbeats."""
        with contextlib.suppress(NoAnswer):
            while True:
                if self._needs_boot and not self.mischief.no_boot:
                    await self._register()
                self._needs_boot = False
                self._set_online(True)
                for connector in self.connectors:
                    await self.announce(connector)
                self.ready.set()
                self.outbox.kick()
                while not self._needs_boot:
                    await self._beat()

    async def _register(self) -> None:
        """Send BootNotification until it is Accepted, waiting the interval in between (1.6 section 4.2, 2.0.1
        B01-B03).
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

    async def _beat(self) -> None:
        interval = self.settings.number("heartbeat_interval")
        if not await self._wait_or_boot(interval or DEFAULT_INTERVAL_S):
            with contextlib.suppress(CallFailed):
                answer = await self.call("Heartbeat", {})
                self.clock.sync(answer.get("currentTime", ""))

    async def _wait_or_boot(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds / self.clock.speed):
                await self._boot_wanted.wait()
        except TimeoutError:
            return False
        return True

    def boot_now(self, reason: str = "Triggered") -> None:
        """Register again on this connection, at once."""
        self._boot_reason = reason
        self._needs_boot = True
        self._boot_wanted.set()

    def _set_online(self, online: bool) -> None:
        on, off = (self.online, self.offline) if online else (self.offline, self.online)
        on.set()
        off.clear()
        if not online:
            self.ready.clear()

    # -- connection, as told

    async def _drop(self, *, abrupt: bool = False) -> None:
        wire = self.wire
        self._set_online(False)
        if wire is not None:
            await wire.close(abrupt=abrupt)
            await self._unserved.wait()  # until the reader has noticed

    async def go_offline(self, seconds: float | None = None, *, abrupt: bool = True) -> None:
        """Lose the network; sessions go on and their messages wait. Comes back after so many simulated
        seconds, or at :meth:`go_online` when none are given. Returns as soon as the socket is gone."""
        self._may_connect.clear()
        await self._drop(abrupt=abrupt)
        if seconds is not None:
            self.background(self._come_back(seconds), name="come-back")

    async def _come_back(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._may_connect.set()

    async def go_online(self) -> None:
        """Have the network again, and wait until the station is back."""
        self._may_connect.set()
        await self.ready.wait()

    async def reconnect(self, *, abrupt: bool = False) -> None:
        """Close the socket, open a new one, wait until the station is back; no boot unless told to."""
        await self._drop(abrupt=abrupt)
        await self.go_online()

    # -- talking

    async def call(
        self,
        action: str,
        payload: dict[str, Any],
        *,
        message_id: str | None = None,
        timeout_s: float | None = None,
        check: bool = True,
    ) -> dict[str, Any]:
        """Send a CALL with the schema's own keys and return the answer's payload.

        Raises ValueError when check is on and the payload breaks the schema, CallFailed for a CALLERROR,
        NoAnswer.
        """
        if check and (faults := schemas.faults(self.version, action, "request", payload)):
            raise ValueError(f"{action}: {faults}")
        wire = self.wire
        if wire is None:
            raise NoAnswer(action, lost=True)
        try:
            answer, seconds = await wire.request(action, payload, message_id=message_id, timeout_s=timeout_s)
        except CallFailed as failure:
            self.latencies.fail(action, failure.code)
            if failure.code == "SecurityError" and action != "BootNotification" and not self.mischief.no_boot:
                self.boot_now("PowerUp")  # the server doesn't know us as accepted
            raise
        except NoAnswer as failure:
            if not failure.lost:
                self.latencies.fail(action, "timeout")
            raise
        self.latencies.record(action, seconds)
        return answer

    async def tell(self, action: str, payload: dict[str, Any]) -> None:
        """Send a notification whose answer says nothing; nobody minds when it is lost or refused."""
        with contextlib.suppress(NoAnswer, CallFailed):
            await self.call(action, payload)

    async def send_raw(self, text: str) -> None:
        """Send a frame exactly as given. Raises NoAnswer when there is no connection."""
        if self.wire is None:
            raise NoAnswer("raw frame", lost=True)
        try:
            await self.wire.send_text(text)
        except ConnectionClosed:
            raise NoAnswer("raw frame", lost=True) from None

    def on_call(self, action: str, handler: Handler | None) -> None:
        """Script the answer to a CSMS call: ``handler(payload)`` returns (or awaits to) a payload, raises
        CallFailed to answer with a CALLERROR, or returns None to stay silent. A handler of None restores the
        normal answer.
        """
        if handler is None:
            self._scripts.pop(action, None)
        else:
            self._scripts[action] = handler

    async def _answer(self, wire: Wire, message_id: str, action: str, payload: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionClosed):
            if self.mischief.slow_answers_s:
                await asyncio.sleep(self.mischief.slow_answers_s)
            if self.mischief.never_answers:
                return
            follow_up = None
            try:
                if script := self._scripts.get(action):
                    answer = script(payload)
                    answer = await answer if inspect.isawaitable(answer) else answer
                else:
                    answer, follow_up = answer_call(self, action, payload)
            except CallFailed as refusal:
                await wire.refuse(message_id, refusal.code, refusal.description)
                return
            if answer is None:
                return
            await wire.answer(message_id, answer)
            if follow_up is not None:
                self.background(follow_up(), name=f"after {action}")

    def background(self, work: Coroutine[Any, Any, Any], *, name: str) -> "asyncio.Task[Any]":
        """Run something beside everything else; it ends with the station."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            logger.error("%s: %s failed", self.identity, task.get_name(), exc_info=failure)
