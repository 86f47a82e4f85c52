"""A station that sends exactly the frames of a test: a raw WebSocket without an OCPP library."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import sqlite3
import uuid
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.conformance.evidence import note
from tests.direct.samples import expanded
from tests.packed import readable
from tests.servers import LiveServer
from tests.stored_stations import insert_stations

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
VERSIONS = (V16, V201, V21)
TIMEOUT_S = 30.0  # seconds; far above what a loaded machine needs

_counter = itertools.count(1)


def fresh(prefix: str = "CP") -> str:
    """An identity that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def new_id() -> str:
    return f"m{next(_counter)}-{uuid.uuid4().hex[:8]}"


def at(minutes: float = 0) -> str:
    """The time in some minutes, in the format of a station."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Refused(Exception):  # noqa: N818 - named for what happened
    """The server answered with a CALLERROR."""

    def __init__(self, frame: list[Any]) -> None:
        self.id, self.code, self.description, self.details = frame[1:]
        super().__init__(f"{self.code}: {self.description}")


class Peer:
    """One socket. Calls of the server that arrive meanwhile are in `calls`, other answers in `strays`."""

    def __init__(self, socket: ClientConnection, version: str, identity: str) -> None:
        self.socket = socket
        self.version = version
        self.identity = identity
        self.calls: deque[list[Any]] = deque()
        self.strays: list[list[Any]] = []

    async def send_raw(self, frame: str | bytes | Any) -> None:
        await self.socket.send(frame)

    async def send(self, frame: list[Any]) -> None:
        await self.socket.send(json.dumps(frame))

    async def next_frame(self, timeout: float = TIMEOUT_S) -> list[Any]:
        note("wire")
        text = await asyncio.wait_for(self.socket.recv(), timeout)
        frame: list[Any] = json.loads(text)
        return frame

    async def exchange(
        self, action: str, payload: Any, *, message_id: str | None = None, timeout: float = TIMEOUT_S
    ) -> list[Any]:
        """Send a CALL; return the frame of its answer."""
        message_id = message_id or new_id()
        await self.send([2, message_id, action, payload])
        return await self.answer_to(message_id, timeout)

    async def answer_to(self, message_id: str, timeout: float = TIMEOUT_S) -> list[Any]:
        while True:
            frame = await self.next_frame(timeout)
            if frame[0] in (2, 6):
                self.calls.append(frame)
            elif frame[1] == message_id:
                return frame
            else:
                self.strays.append(frame)

    async def call(self, action: str, payload: Any | None = None, **how: Any) -> dict[str, Any]:
        """Send a CALL; return the payload of its answer. Raises Refused for a CALLERROR."""
        frame = await self.exchange(action, {} if payload is None else payload, **how)
        if frame[0] != 3:
            raise Refused(frame)
        assert len(frame) == 3, frame
        assert isinstance(frame[2], dict), frame
        return frame[2]

    async def next_call(self, timeout: float = TIMEOUT_S) -> list[Any]:
        """The next CALL of the server."""
        note("wire")
        while not self.calls:
            frame = await self.next_frame(timeout)
            (self.calls if frame[0] == 2 else self.strays).append(frame)
        return self.calls.popleft()

    async def answer(self, call: list[Any], payload: Any) -> None:
        await self.send([3, call[1], payload])

    async def boot(self) -> dict[str, Any]:
        return await self.call("BootNotification", boot_payload(self.version))

    async def heartbeat(self) -> None:
        """Check that the conversation continues: the next frame is the answer to a Heartbeat."""
        message_id = new_id()
        await self.send([2, message_id, "Heartbeat", {}])
        frame = await self.next_frame()
        assert frame[:2] == [3, message_id], f"answered something else first: {frame}"

    async def closed(self, timeout: float = TIMEOUT_S) -> int | None:
        """Wait until the server closes the socket; return its close code."""
        note("wire")
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), timeout)
        except ConnectionClosed:
            return self.socket.close_code

    def abort(self) -> None:
        """End the connection without a close frame, like a pulled cable."""
        self.socket.transport.abort()


def boot_payload(version: str) -> dict[str, Any]:
    if version == V16:
        return {"chargePointVendor": "Vendor", "chargePointModel": "Model"}
    return {"reason": "PowerUp", "chargingStation": {"vendorName": "Vendor", "model": "Model"}}


@asynccontextmanager
async def station(  # noqa: PLR0913 - stations differ in all of these
    server: LiveServer,
    version: str = V16,
    identity: str = "",
    *,
    boot: bool = True,
    password: str | bytes | None = None,
    user: str | None = None,
    offers: list[str] | None = None,
    headers: dict[str, str] | None = None,
    path: str | None = None,
    **how: Any,
) -> AsyncIterator[Peer]:
    """A connected station; accepted too, unless `boot` is False. Without an identity it is a known one."""
    identity = identity or (fresh() if boot else await known(server))
    sent = dict(headers or {})
    if password is not None:
        raw = password.encode() if isinstance(password, str) else password
        pair = (user if user is not None else identity).encode() + b":" + raw
        sent["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    how = {
        "compression": None,
        "ping_interval": None,
        "max_size": None,
        "proxy": None,
        "open_timeout": TIMEOUT_S,
    } | how
    protocols = [Subprotocol(name) for name in ([version] if offers is None else offers)]
    connecting = connect(
        f"{server.ocpp.removesuffix('/ocpp')}{path if path is not None else f'/ocpp/{identity}'}",
        subprotocols=protocols or None,
        additional_headers=sent,
        **how,
    )
    try:
        socket = await connecting
    except InvalidStatus:
        note("wire")
        raise
    async with socket:
        peer = Peer(socket, version, identity)
        if boot:
            answer = await peer.boot()
            assert answer["status"] == "Accepted"
        yield peer


async def provision(server: LiveServer, identity: str) -> None:
    """Add a station without a password, at a process with a REST API or a gateway."""
    if server.role == "gateway":
        await asyncio.to_thread(insert_stations, server.environment["DATABASE_URL"], [identity])
    else:
        await Operator(server).provision(identity)


async def known(server: LiveServer) -> str:
    """The identity of a station that was added, and that no other test uses."""
    identity = fresh()
    await provision(server, identity)
    return identity


class Records:
    """The rows of the server's database, read while the server runs."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        note("stored")
        connection = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=10)
        try:
            connection.row_factory = sqlite3.Row
            return [readable(dict(row)) for row in connection.execute(sql, values)]
        finally:
            connection.close()

    def of(self, table: str, identity: str, order: str = "t.id") -> list[dict[str, Any]]:
        """The rows of a table that belong to a station."""
        return self.rows(
            f"SELECT t.* FROM {table} t JOIN chargepoints_chargepoint c ON c.id = t.charge_point_id"
            f" WHERE c.identity_key = ? ORDER BY {order}",
            identity.casefold(),
        )

    def charge_point(self, identity: str) -> dict[str, Any]:
        (row,) = self.rows(
            "SELECT * FROM chargepoints_chargepoint WHERE identity_key = ?", identity.casefold()
        )
        return row

    def transactions(self, identity: str) -> list[dict[str, Any]]:
        return self.of("transactions_transaction", identity)

    def transaction(self, identity: str) -> dict[str, Any]:
        (row,) = self.transactions(identity)
        return row

    def meter_values(self, identity: str) -> list[dict[str, Any]]:
        """The samples of all readings."""
        return expanded(self.of("transactions_reading", identity))

    def quarantined(self, identity: str) -> list[dict[str, Any]]:
        return self.of("transactions_quarantinedmessage", identity)

    def security_events(self, identity: str) -> list[dict[str, Any]]:
        return self.of("chargepoints_securityevent", identity)

    def refusals(self, identity: str) -> list[dict[str, Any]]:
        return self.rows(
            "SELECT * FROM chargepoints_refusedconnection WHERE identity = ? ORDER BY id", identity
        )

    def command(self, command_id: str) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM chargepoints_command WHERE id = ?", command_id)
        return row

    def commands(self, identity: str) -> list[dict[str, Any]]:
        return self.of("chargepoints_command", identity, order="t.created_at")


def reasons(transaction: dict[str, Any]) -> set[str]:
    """The codes of the reasons that make a transaction suspect."""
    return {reason.partition(":")[0] for reason in json.loads(transaction["suspect_reasons"])}


class Operator:
    """A client of the REST API with an administrator's key."""

    def __init__(self, server: LiveServer) -> None:
        self._server = server

    async def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await asyncio.to_thread(self._server.request, method, path, body)

    async def command(
        self, identity: str, action: str, payload: dict[str, Any] | None = None, *, timeout: float = 30
    ) -> tuple[int, dict[str, Any]]:
        """Send a command and wait for the station; return the HTTP status and `data`."""
        body = {"action": action, "payload": payload or {}, "timeout": timeout}
        status, answer = await self.request("POST", f"/api/v1/chargepoints/{identity}/commands", body)
        return status, answer["data"]

    async def submit(
        self, identity: str, action: str, payload: dict[str, Any] | None = None, **how: Any
    ) -> str:
        """Send a command without waiting; return its id."""
        body = {"action": action, "payload": payload or {}, **how}
        status, answer = await self.request(
            "POST", f"/api/v1/chargepoints/{identity}/commands?wait=false", body
        )
        assert status == 202, answer
        command_id: str = answer["data"]["requestId"]
        return command_id

    async def provision(self, identity: str, **settings: Any) -> None:
        status, answer = await self.request(
            "POST", "/api/v1/chargepoints", {"clientId": identity, **settings}
        )
        assert status == 201, answer

    async def change(self, identity: str, **settings: Any) -> None:
        status, answer = await self.request("PATCH", f"/api/v1/chargepoints/{identity}", settings)
        assert status == 200, answer

    async def add_token(self, uid: str, **fields: Any) -> int:
        status, answer = await self.request("POST", "/api/v1/tokens", {"uid": uid, **fields})
        assert status == 201, answer
        return int((answer["data"].get("token") or answer["data"])["id"])


async def eventually(condition: Any, timeout: float = TIMEOUT_S) -> Any:
    """The first true value of `condition()`, for effects that follow the answer of the server."""
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)  # no event to await: another process changes its database
