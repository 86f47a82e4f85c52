"""Connected stations without sockets, which end the commands of the server as a test wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import orjson

from chargepoints.models import ChargePoint
from ocpp_server.process import engine
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import journal
from ocpp_server.transport import presence
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.handshake.admission import Admitted
from ocpp_server.transport.switchboard import switchboard
from tests.conformance.every.answers.endings import DROPPED, SILENCE, Ending, usual
from tests.direct.messages import boot
from tests.direct.station import DirectStation
from tests.direct.wire import Wire
from tests.unit.transport.handshakes import handshake

# The value that a station reports for each of its keys and variables.
VALUE = "300"
_VALUES = {
    "SupportedFeatureProfiles": "Core,LocalAuthListManagement,RemoteTrigger,Reservation,SmartCharging",
    "LocalAuthListEnabled": "true",
}


class Sent(NamedTuple):
    """A CALL that the station has received."""

    id: str
    action: str
    payload: dict[str, Any]


class AnsweringStation:
    """A device: its local list survives its connections. `endings` are those of the next CALLs by action;
    every other CALL gets the usual answer.
    """

    def __init__(self, row: ChargePoint, version: str) -> None:
        self.row, self.version = row, version
        self.endings: dict[str, Ending] = {}
        self.calls: list[Sent] = []
        self.list_version = 0
        self._connections = 0
        self._tasks: list[asyncio.Task[None]] = []

    # -- the connection ----------------------------------------------------------------------------------

    async def arrive(self) -> None:
        self._connections += 1
        id = f"{self.row.identity}-{self._connections}"
        admitted = Admitted(self.row, self.version, self.version)
        station = await presence.arrive(admitted, handshake(self.row.identity), id)
        self.wire = Wire(station)
        self.connection = self.wire.connection = switchboard.connections[id] = StationConnection(
            station, send=self._send, close=self._close, finished=switchboard.finished
        )
        self.device = DirectStation(self.row.pk, self.version, self.wire)
        await self.boot()

    async def boot(self) -> None:
        await self.device.ask(boot(self.version))

    async def leave(self) -> None:
        """Close the socket after everything that was sent has been handled."""
        await self.settled()
        if self.is_connected:
            await presence.leave(self.connection, code=1006)

    async def settled(self) -> None:
        """Everything that the station has sent so far is handled."""
        while self._tasks:
            tasks, self._tasks = self._tasks, []
            await asyncio.gather(*tasks)

    @property
    def is_connected(self) -> bool:
        return self.connection.station.connection_id in switchboard.connections

    # -- answers -----------------------------------------------------------------------------------------

    async def _send(self, text: str) -> None:
        frame = orjson.loads(text)
        self.wire.sent.append(frame)
        if frame[0] == 2:
            self.calls.append(Sent(*frame[1:]))
            self._tasks.append(asyncio.create_task(self._end(*frame[1:])))

    async def _end(self, id: str, action: str, request: dict[str, Any]) -> None:
        ending = self.endings.get(action)
        if ending is None:
            answer = self._usual(action, request)
            await self.connection.received(orjson.dumps([3, id, answer]).decode())
        elif ending.name == DROPPED:
            await presence.leave(self.connection, code=1006)
        elif ending.name == SILENCE:
            await self._let_the_time_pass()
        else:
            await self.connection.received(ending.text(id, request))

    async def _let_the_time_pass(self) -> None:
        """The deadline of the CALL has come, without a wait."""
        outgoing = self.connection._session.outstanding
        assert outgoing is not None
        outgoing.deadline = time.monotonic()
        await self.connection._outgoing._expire()  # type: ignore[attr-defined]

    def _usual(self, action: str, request: dict[str, Any]) -> dict[str, Any]:
        answer = usual(self.version, action, request)
        number = "listVersion" if self.version == V16 else "versionNumber"
        match action:
            case "GetLocalListVersion":
                answer[number] = self.list_version
            case "SendLocalList":
                self.list_version = request[number]
            case "GetConfiguration":
                keys = request.get("key", ["A"])
                found = [{"key": key, "readonly": False, "value": _VALUES.get(key, VALUE)} for key in keys]
                answer = {"configurationKey": found}
            case "GetVariables":
                answer["getVariableResult"] = [
                    one | {"attributeValue": VALUE} for one in answer["getVariableResult"]
                ]
        return answer

    async def _close(self, code: int, reason: str) -> None:
        self.wire.closed.append(code)


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    """The engine of a process that serves no port and runs no job."""
    await engine.start(serves=False)
    try:
        yield
    finally:
        await engine.stop()


@asynccontextmanager
async def connected(version: str, names: Sequence[str]) -> AsyncIterator[list[AnsweringStation]]:
    """Connected stations that have booted."""
    columns = {"ocpp_version": version, "registration_status": "Accepted"}

    def add() -> list[ChargePoint]:
        return ChargePoint.objects.bulk_create(
            ChargePoint(identity=name, identity_key=name.casefold(), **columns) for name in names
        )

    await journal.run(add)
    rows = await journal.run(
        lambda: {row.identity: row for row in ChargePoint.objects.filter(identity__in=names)}
    )
    stations = [AnsweringStation(rows[name], version) for name in names]
    await asyncio.gather(*(station.arrive() for station in stations))
    try:
        yield stations
    finally:
        await asyncio.gather(*(station.leave() for station in stations))
