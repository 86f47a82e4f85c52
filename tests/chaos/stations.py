"""Stations that repeat each message until it is answered (1.6 3.7.1, 2.0.1 E04)."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.chaos.expected import ExpectedData, Session

ENERGY, POWER = "Energy.Active.Import.Register", "Power.Active.Import"
_LOST = (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError, TimeoutError)


class Endpoint(Protocol):
    """The URL of the server, and an event that is set while it listens."""

    @property
    def url(self) -> str: ...
    @property
    def up(self) -> asyncio.Event: ...


class FixedEndpoint:
    """The endpoint of a server that always counts as up."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.up = asyncio.Event()
        self.up.set()


class FrameObserver:
    """Stations call it for every CALL and every answer. This one does nothing."""

    def sent(self, action: str) -> None:
        """Called after a station has sent a CALL."""

    def answered(self) -> None:
        """Called after a station has received an answer."""


class AnswerCounter(FrameObserver):
    """Counts the answers; `more` waits for the next ones."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Event()

    def answered(self) -> None:
        self.count += 1
        self._changed.set()

    async def more(self, number: int) -> None:
        wanted = self.count + number
        while self.count < wanted:
            self._changed.clear()
            # Not `wait_for`: up to Python 3.11 it loses a cancellation that comes together with an answer.
            async with asyncio.timeout(120):
                await self._changed.wait()


class Station:
    """A station with one connector and an endless row of sessions. It calls `observer` for every frame."""

    subprotocol = ""

    def __init__(
        self, number: int, server: Endpoint, expected: ExpectedData, *, seed: int, observer: FrameObserver
    ) -> None:
        self.identity = f"CP-{number}"
        self.card = f"CARD-{number}"
        self.server = server
        self.expected = expected
        self.random = random.Random(f"{seed}/{number}")
        self.observer = observer
        self.closes: list[int] = []
        self.refusals = 0
        self.finishing = False
        self._socket: ClientConnection | None = None
        self._meter = self.random.randrange(1_000_000)
        self._clock = datetime.now(UTC)
        self._has_booted = False

    async def run(self) -> None:
        while not self.finishing:
            await self.charge()
        if self._socket is not None:
            await self._socket.close()

    async def charge(self) -> None:
        """Run one session from plug-in to unplugging."""
        raise NotImplementedError

    async def boot(self) -> None:
        raise NotImplementedError

    # -- the wire -----------------------------------------------------------------------------------

    async def deliver(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send the payload until it is answered. A repetition has a new message id or the old one."""
        message_id = str(uuid.uuid4())
        while True:
            try:
                return await self._call(await self._connected(), action, payload, message_id)
            except _LOST:
                self._drop()
                self.expected.retries += 1
                if self.random.random() < 0.8:
                    message_id = str(uuid.uuid4())

    async def deliver_sometimes_twice(self, action: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
        """Deliver a message, and in one of ten cases repeat it, as if its answer had been lost."""
        answers = [await self.deliver(action, payload)]
        if self.random.random() < 0.1:
            answers.append(await self.deliver(action, payload))
        return answers

    async def _call(
        self, socket: ClientConnection, action: str, payload: dict[str, Any], message_id: str
    ) -> dict[str, Any]:
        key = (self.identity, message_id)
        self.expected.unanswered.add(key)
        await socket.send(orjson.dumps([2, message_id, action, payload]).decode())
        self.observer.sent(action)
        while True:
            frame = orjson.loads(await asyncio.wait_for(socket.recv(), 120))
            if frame[1] == message_id:
                self.observer.answered()
                break
        self.expected.unanswered.discard(key)
        if frame[0] != 3:
            self.expected.faults.append(f"{self.identity}: {action} was answered {frame}")
            return {}
        self.expected.answered.add(key)
        answer: dict[str, Any] = frame[2]
        return answer

    async def _connected(self) -> ClientConnection:
        while self._socket is None:
            await self.server.up.wait()
            try:
                self._socket = await connect(
                    f"{self.server.url}/{self.identity}",
                    subprotocols=[self.subprotocol],  # type: ignore[list-item]
                    compression=None,
                    ping_interval=None,
                    open_timeout=60,
                    proxy=None,
                )
                if not self._has_booted or self.random.random() < 0.5:
                    await self.boot()
                    self._has_booted = True
            except _LOST:
                self._drop()
                self.refusals += 1
                await asyncio.sleep(0.02)  # stations pause before they connect again
        return self._socket

    def _drop(self) -> None:
        if self._socket is not None and self._socket.close_code is not None:
            self.closes.append(self._socket.close_code)
        self._socket = None

    async def _call_once(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        assert self._socket is not None
        return await self._call(self._socket, action, payload, str(uuid.uuid4()))

    # -- the car ------------------------------------------------------------------------------------

    def now(self) -> str:
        """The clock of the station, in milliseconds. Each call returns a later time."""
        self._clock = max(datetime.now(UTC), self._clock + timedelta(milliseconds=1))
        return self._clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def next_reading(self) -> int:
        self._meter += self.random.randrange(1, 500)
        return self._meter


class Station16(Station):
    subprotocol = "ocpp1.6"

    async def boot(self) -> None:
        await self._call_once("BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "Chaos"})
        await self._call_once(
            "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
        )

    async def charge(self) -> None:
        session = Session(self.identity, self.card, self.now(), self._meter)
        self.expected.sessions.append(session)
        start = {
            "connectorId": 1,
            "idTag": self.card,
            "meterStart": session.meter_start,
            "timestamp": session.started_at,
        }
        for answer in await self.deliver_sometimes_twice("StartTransaction", start):
            self._check_start(session, answer)
        for _ in range(self.random.randrange(5)):
            reading = self._reading(session, "Sample.Periodic")
            await self.deliver_sometimes_twice(
                "MeterValues", {"connectorId": 1, "transactionId": session.number, "meterValue": [reading]}
            )
        await self._stop(session)

    def _check_start(self, session: Session, answer: dict[str, Any]) -> None:
        if answer.get("idTagInfo", {}).get("status") != "Accepted":
            self.expected.faults.append(f"{self.identity}: the start was answered {answer}")
        self.expected.record_number(session, answer.get("transactionId", 0))

    async def _stop(self, session: Session) -> None:
        stop: dict[str, Any] = {"transactionId": session.number, "idTag": self.card, "reason": "Local"}
        if self.random.random() < 0.3:
            stop["transactionData"] = [self._reading(session, "Transaction.End")]
        session.meter_stop, session.stopped_at = self.next_reading(), self.now()
        stop |= {"meterStop": session.meter_stop, "timestamp": session.stopped_at}
        for answer in await self.deliver_sometimes_twice("StopTransaction", stop):
            if answer.get("idTagInfo", {}).get("status") != "Accepted":
                self.expected.faults.append(f"{self.identity}: the stop was answered {answer}")

    def _reading(self, session: Session, context: str) -> dict[str, Any]:
        at, wh, watts = self.now(), self.next_reading(), self.random.randrange(1000, 11000)
        session.samples += [(ENERGY, at, wh), (POWER, at, watts)]
        return {
            "timestamp": at,
            "sampledValue": [
                {"value": str(wh), "unit": "Wh", "measurand": ENERGY, "context": context},
                {"value": str(watts), "unit": "W", "measurand": POWER, "context": context},
            ],
        }


class Station2x(Station):
    subprotocol = "ocpp2.0.1"

    async def boot(self) -> None:
        await self._call_once(
            "BootNotification",
            {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "Chaos"}},
        )
        await self._call_once(
            "StatusNotification",
            {"timestamp": self.now(), "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1},
        )

    async def charge(self) -> None:
        session = Session(self.identity, self.card, self.now(), self._meter, transaction_id=str(uuid.uuid4()))
        self.expected.sessions.append(session)
        await self._event(session, "Started", session.started_at, session.meter_start)
        for _ in range(self.random.randrange(5)):
            await self._event(session, "Updated", self.now(), self.next_reading())
        session.meter_stop, session.stopped_at = self.next_reading(), self.now()
        await self._event(session, "Ended", session.stopped_at, session.meter_stop)

    async def _event(self, session: Session, kind: str, at: str, wh: int) -> None:
        trigger, context, state = {
            "Started": ("Authorized", "Transaction.Begin", "Charging"),
            "Updated": ("MeterValuePeriodic", "Sample.Periodic", "Charging"),
            "Ended": ("StopAuthorized", "Transaction.End", "Idle"),
        }[kind]
        sample = {"value": wh, "measurand": ENERGY, "context": context}
        event: dict[str, Any] = {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": trigger,
            "seqNo": session.seq_nos,
            "transactionInfo": {"transactionId": session.transaction_id, "chargingState": state},
            "meterValue": [{"timestamp": at, "sampledValue": [sample]}],
        }
        if kind != "Updated":
            event["evse"] = {"id": 1, "connectorId": 1}
            event["idToken"] = {"idToken": self.card, "type": "ISO14443"}
        if self._socket is None:
            event["offline"] = True
        session.seq_nos += 1
        session.samples.append((ENERGY, at, wh))
        for answer in await self.deliver_sometimes_twice("TransactionEvent", event):
            if kind != "Updated" and answer.get("idTokenInfo", {}).get("status") != "Accepted":
                self.expected.faults.append(f"{self.identity}: {kind} was answered {answer}")


class Station21(Station2x):
    subprotocol = "ocpp2.1"


def make_stations(
    count: int, server: Endpoint, expected: ExpectedData, *, seed: int, observer: FrameObserver
) -> list[Station]:
    """Create stations, half of them with OCPP 1.6, the others with 2.0.1 and 2.1."""
    kinds = (Station16, Station2x, Station16, Station21)
    return [kinds[n % len(kinds)](n, server, expected, seed=seed, observer=observer) for n in range(count)]


@asynccontextmanager
async def running(stations: list[Station], *, timeout_s: float = 240) -> AsyncIterator[None]:
    """Run the stations. At the end, wait until each has finished its current session."""
    tasks = [asyncio.ensure_future(station.run()) for station in stations]
    try:
        yield
        for station in stations:
            station.finishing = True
        await asyncio.wait_for(asyncio.gather(*tasks), timeout_s)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
