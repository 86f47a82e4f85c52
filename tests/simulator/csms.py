"""A small CSMS with the server side of the `ocpp` package: it accepts every request and records it."""

import asyncio
import contextlib
import itertools
import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from ocpp import v16, v21, v201
from ocpp.exceptions import InternalError, OCPPError
from ocpp.routing import on
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from simulator import schemas

TIMEOUT_S = 30.0  # far more than a busy machine needs


def now() -> str:
    return datetime.now(UTC).isoformat()


class Csms:
    """The server, with all requests of the stations in the order of arrival."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, dict[str, Any]]] = []  # identity, action, payload
        self.invalid_tokens: set[str] = set()
        self.boot_answers: list[dict[str, Any]] = []  # one for each boot; later boots are Accepted
        self.failing: dict[str, int] = {}  # action: number of CALLERRORs to answer it with
        self.failure: type[OCPPError] = InternalError
        self.links: dict[str, Any] = {}
        self.connections = 0
        self.authorization: list[str | None] = []
        self.clients: list[bytes | None] = []  # the client certificate of each connection, in DER
        # The answers to an action instead of the usual ones.
        self.scripted: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.numbers = itertools.count(1000)
        self.changed = asyncio.Condition()
        self.url = ""
        self._server: Server | None = None

    async def start(self, port: int = 0, *, tls: ssl.SSLContext | None = None) -> str:
        self._server = await serve(
            self._connected,
            "127.0.0.1",
            port,
            subprotocols=["ocpp1.6", "ocpp2.0.1", "ocpp2.1"],
            compression=None,
            ssl=tls,
            close_timeout=0.5,  # after a bad frame a link does not read the closing handshake
        )
        scheme = "wss" if tls else "ws"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ocpp"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _connected(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.connections += 1
        tls = connection.transport.get_extra_info("ssl_object")
        self.clients.append(tls.getpeercert(binary_form=True) if tls else None)
        self.authorization.append(connection.request.headers.get("Authorization"))
        identity = unquote(connection.request.path.rsplit("/", 1)[1])
        kind = {"ocpp1.6": Central16, "ocpp2.0.1": Central201, "ocpp2.1": Central21}[
            str(connection.subprotocol)
        ]
        link = kind(identity, connection, csms=self)
        self.links[identity] = link
        with contextlib.suppress(ConnectionClosed):
            await link.start()

    async def record(self, identity: str, action: str, payload: dict[str, Any]) -> None:
        async with self.changed:
            self.received.append((identity, action, payload))
            self.changed.notify_all()

    def payloads(self, action: str) -> list[dict[str, Any]]:
        return [payload for _, received, payload in self.received if received == action]

    def actions(self) -> list[str]:
        return [action for _, action, _ in self.received]

    async def wait_for(
        self, action: str, count: int = 1, timeout_s: float = TIMEOUT_S, **fields: Any
    ) -> dict[str, Any]:
        """Wait for the count-th request of this action with these fields, and return its payload."""

        def found() -> list[dict[str, Any]]:
            return [one for one in self.payloads(action) if all(one.get(k) == v for k, v in fields.items())]

        async with asyncio.timeout(timeout_s), self.changed:
            await self.changed.wait_for(lambda: len(found()) >= count)
        return found()[count - 1]

    async def call(self, identity: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Call the station and check its answer against the schema. A CALLERROR returns `{"error": code}`."""
        return await self.links[identity].raw_call(action, payload)


class _Central:
    """A mixin for the classes of the package. It records payloads before the package renames their keys."""

    def __init__(self, identity: str, connection: ServerConnection, *, csms: Csms) -> None:
        super().__init__(identity, connection)
        self.csms = csms
        self.numbers = itertools.count(1)

    async def _handle_call(self, msg: Any) -> Any:
        assert not schemas.faults(self._ocpp_version, msg.action, "request", msg.payload), msg.payload
        if self.csms.failing.get(msg.action):
            self.csms.failing[msg.action] -= 1
            raise self.csms.failure
        await self.csms.record(self.id, msg.action, msg.payload)
        if script := self.csms.scripted.get(msg.action):
            answer = script(msg.payload)
            assert not schemas.faults(self._ocpp_version, msg.action, "response", answer), answer
            return await self._send(json.dumps([3, msg.unique_id, answer]))
        return await super()._handle_call(msg)

    async def raw_call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        version = self._ocpp_version
        assert not schemas.faults(version, action, "request", payload), (action, payload)
        message_id = f"csms-{next(self.numbers)}"
        await self._send(json.dumps([2, message_id, action, payload]))
        answer = await self._get_specific_response(message_id, TIMEOUT_S)
        if answer.message_type_id == 4:
            return {"error": answer.error_code}
        assert not schemas.faults(version, action, "response", answer.payload), (action, answer.payload)
        return answer.payload

    def boot_answer(self) -> dict[str, Any]:
        answer = {"current_time": now(), "interval": 300, "status": "Accepted"}
        return answer | (self.csms.boot_answers.pop(0) if self.csms.boot_answers else {})

    def token_status(self, token: str) -> str:
        return "Invalid" if token in self.csms.invalid_tokens else "Accepted"


class Central16(_Central, v16.ChargePoint):
    @on("BootNotification")
    def boot(self, **_: Any) -> Any:
        return v16.call_result.BootNotification(**self.boot_answer())

    @on("Authorize")
    def authorize(self, id_tag: str, **_: Any) -> Any:
        return v16.call_result.Authorize(id_tag_info={"status": self.token_status(id_tag)})

    @on("StartTransaction")
    def start_transaction(self, id_tag: str, **_: Any) -> Any:
        number = next(self.csms.numbers)
        return v16.call_result.StartTransaction(
            transaction_id=number, id_tag_info={"status": self.token_status(id_tag)}
        )

    @on("SignCertificate")
    def sign_certificate(self, **_: Any) -> Any:
        return v16.call_result.SignCertificate(status="Accepted")

    @on("Heartbeat")
    def heartbeat(self, **_: Any) -> Any:
        return v16.call_result.Heartbeat(current_time=now())


class Central2(_Central):
    results: Any

    @on("BootNotification")
    def boot(self, **_: Any) -> Any:
        return self.results.BootNotification(**self.boot_answer())

    @on("Authorize")
    def authorize(self, id_token: dict[str, Any], **_: Any) -> Any:
        return self.results.Authorize(id_token_info={"status": self.token_status(id_token["id_token"])})

    @on("TransactionEvent")
    def transaction_event(self, id_token: dict[str, Any] | None = None, **_: Any) -> Any:
        info = {"status": self.token_status(id_token["id_token"])} if id_token else None
        return self.results.TransactionEvent(id_token_info=info)

    @on("Heartbeat")
    def heartbeat(self, **_: Any) -> Any:
        return self.results.Heartbeat(current_time=now())

    @on("SignCertificate")
    def sign_certificate(self, **_: Any) -> Any:
        return self.results.SignCertificate(status="Accepted")


class Central201(Central2, v201.ChargePoint):
    results = v201.call_result


class Central21(Central2, v21.ChargePoint):
    results = v21.call_result

    @on("OpenPeriodicEventStream")
    def open_stream(self, **_: Any) -> Any:
        return v21.call_result.OpenPeriodicEventStream(status="Accepted")


def _answer_empty(central: type, results: Any, actions: list[str]) -> None:
    """Add handlers for messages whose answer is an empty object."""
    for action in actions:
        answer_class = getattr(results, action)

        def handler(self: Any, _result: Any = answer_class, **_: Any) -> Any:
            return _result()

        handler.__name__ = f"on_{action}"  # the package finds handlers by name
        setattr(central, f"on_{action}", on(action)(handler))


_COMMON = [
    "StatusNotification",
    "MeterValues",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "SecurityEventNotification",
]
_answer_empty(
    Central16,
    v16.call_result,
    [*_COMMON, "StopTransaction", "DiagnosticsStatusNotification", "SignedFirmwareStatusNotification"],
)
for _central, _results in ((Central201, v201.call_result), (Central21, v21.call_result)):
    _answer_empty(
        _central,
        _results,
        [
            *_COMMON,
            "NotifyReport",
            "NotifyMonitoringReport",
            "NotifyCustomerInformation",
            "ReportChargingProfiles",
            "ReservationStatusUpdate",
            "NotifyDisplayMessages",
            "PublishFirmwareStatusNotification",
        ],
    )
_answer_empty(Central21, v21.call_result, ["BatterySwap", "ClosePeriodicEventStream"])
