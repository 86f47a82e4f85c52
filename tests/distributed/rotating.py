"""Stations with mutual TLS that charge while the root of their operator changes.

Each has its own trust store and keys. It trusts the server by its installed roots alone, takes a certificate
that leads to one of them, and reconnects with it by itself, as a good station does.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from ocpp_server.pki import hash_data, parsing, paths
from tests.conformance.installing import ACCEPTED, CSMS, CSMS_16, listed
from tests.conformance.peer import V16, new_id
from tests.direct.messages import Message, Reading, boot, event, meter_16, start_16, stop_16
from tests.unit.certificates import csrs

TOKEN: Final = "ROTATES"
ANSWER_S: Final = 120.0
_RETRY_S: Final = 0.2
_CHECK: Final = {
    "component": {"name": "SecurityCtrlr"},
    "variable": {"name": "AdditionalRootCertificateCheck"},
}


class RotatingStation:
    """`port` and `password` are those of its next connection. `checks_roots` is
    AdditionalRootCertificateCheck; `is_full` ends `charge`.

    `readings` were answered; `offline` are the seconds of each reconnect; `drops` are connections that the
    server ended; `faults` are connections that failed, and failures of what the server asked for.
    """

    def __init__(self, identity: str, version: str, folder: Path, root: x509.Certificate) -> None:
        self.identity, self.version = identity, version
        self.port, self.password = 0, ""
        self.is_rsa = self.checks_roots = self.is_full = False
        self.roots = [root]
        # Also those that were deleted: the issuer of a cross-signed root is one of them.
        self._seen_roots = [root]
        self.chain: list[x509.Certificate] = []
        self.readings = self.heartbeats = 0
        self.offline: list[float] = []
        self.drops: list[str] = []
        self.faults: list[str] = []
        # The issuer of the server's certificate in the present connection.
        self.server_issuer = ""
        self.file = folder / f"{identity}.pem"
        self._key: Any = None
        self._pending: Any = None
        self._transaction = 0
        self._seq_no = 0
        self._has_booted = self._is_ending = False
        self._left_at: float | None = None
        self._one_call = asyncio.Lock()
        self._online = asyncio.Event()
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._socket: ClientConnection | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- the connection --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep a connection until `leave`."""
        while not self._is_ending:
            try:
                async with self.connecting() as self._socket:
                    await self._talk(self._socket)
            except (OSError, InvalidHandshake, ConnectionClosed, TimeoutError) as error:
                self.faults.append(repr(error))
                await asyncio.sleep(_RETRY_S)

    def connecting(self) -> connect:
        headers = {}
        if self.password:
            pair = base64.b64encode(f"{self.identity}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        return connect(
            f"wss://localhost:{self.port}/ocpp/{self.identity}",
            subprotocols=[Subprotocol(self.version)],
            additional_headers=headers,
            ssl=self._context(),
            compression=None,
            ping_interval=None,
            proxy=None,
            open_timeout=ANSWER_S,
        )

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=parsing.pem_of(*self.roots))
        # The cross-signed form of a root is a root of the station, too.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if not self.password:
            context.load_cert_chain(self.file)
        return context

    async def _talk(self, socket: ClientConnection) -> None:
        presented = socket.transport.get_extra_info("ssl_object").getpeercert(True)
        issuer = x509.load_der_x509_certificate(presented).issuer
        self.server_issuer = parsing.common_name(issuer)
        reading = asyncio.create_task(self._read(socket))
        try:
            # Only a restart is announced by a boot: the session of the station goes on.
            answer = await self._exchange(*(("Heartbeat", {}) if self._has_booted else boot(self.version)))
            if not self._has_booted:
                assert answer["status"] == "Accepted", answer
            self._has_booted = True
            now = asyncio.get_running_loop().time()
            if self._left_at is not None:
                self.offline.append(now - self._left_at)
            self._left_at = None
            self._online.set()
            await reading
        finally:
            reading.cancel()
            self._online.clear()
            if self._left_at is None:
                self._left_at = asyncio.get_running_loop().time()
                self.drops.append(f"{socket.close_code} {socket.close_reason}")

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            frame = json.loads(text)
            if frame[0] == 2:
                payload, then = await self._answered(frame[2], frame[3])
                await socket.send(json.dumps([3, frame[1], payload]))
                if then is not None:
                    self._begin(then())
            else:
                self._answers.pop(frame[1]).set_result(frame)

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.faults.append(repr(error))

    async def _exchange(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        assert self._socket is not None
        message_id = new_id()
        waiting = self._answers[message_id] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps([2, message_id, action, payload]))
        frame = await asyncio.wait_for(waiting, ANSWER_S)
        assert frame[0] == 3, (self.identity, action, frame)
        answer: dict[str, Any] = frame[2]
        return answer

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a CALL when the one before has its answer; wait for the connection if there is none."""
        async with self._one_call:
            await self._online.wait()
            return await self._exchange(action, payload)

    async def is_online(self) -> None:
        await asyncio.wait_for(self._online.wait(), ANSWER_S)

    async def reconnect(self) -> None:
        """End the connection while no call is under way, and wait for the next one."""
        async with self._one_call:
            await self._close()
            await self.is_online()

    async def leave(self) -> None:
        async with self._one_call:
            self._is_ending = True
            await self._close()

    async def _close(self) -> None:
        assert self._socket is not None
        self._left_at = asyncio.get_running_loop().time()
        self._online.clear()
        await self._socket.close()

    # -- charging --------------------------------------------------------------------------------------------

    async def begin_charging(self) -> None:
        if self.version == V16:
            self._transaction = (await self.call(*start_16(TOKEN)))["transactionId"]
        else:
            await self.call(*self._event("Started", uid=TOKEN, evse=1))

    async def charge(self, pause_s: float) -> None:
        """Send a reading and a heartbeat in turn, until `is_full`."""
        while not self.is_full:
            await asyncio.sleep(pause_s)
            await self.call(*self._reading(self.readings + 1))
            self.readings += 1
            await self.call("Heartbeat", {})
            self.heartbeats += 1

    async def end_charging(self) -> None:
        if self.version == V16:
            await self.call(*stop_16(self._transaction, TOKEN, self.readings + 1))
        else:
            await self.call(*self._event("Ended", uid=TOKEN, reason="Local"))

    def _reading(self, value: int) -> Message:
        readings = [Reading(value, datetime.now(UTC))]
        if self.version == V16:
            return meter_16(self._transaction, readings)
        return self._event("Updated", readings=readings)

    def _event(self, kind: str, **more: Any) -> Message:
        self._seq_no += 1
        return event(kind, f"{self.identity}-1", self._seq_no - 1, version=self.version, **more)

    # -- certificates ----------------------------------------------------------------------------------------

    async def ask_for_certificate(self) -> None:
        """SignCertificate with a new key."""
        self._pending = await asyncio.to_thread(self._new_key)
        csr = csrs.csr(self.identity, key=self._pending)
        more = {} if self.version == V16 else {"certificateType": "ChargingStationCertificate"}
        assert await self.call("SignCertificate", {"csr": csr, **more}) == ACCEPTED

    def _new_key(self) -> Any:
        return (
            rsa.generate_private_key(65537, 2048) if self.is_rsa else ec.generate_private_key(ec.SECP256R1())
        )

    async def _answered(
        self, action: str, payload: dict[str, Any]
    ) -> tuple[dict[str, Any], Callable[[], Any] | None]:
        """The answer to a CALL of the server, and what the station does after it."""
        if action in ("TriggerMessage", "ExtendedTriggerMessage"):
            assert payload["requestedMessage"].startswith("Sign"), payload
            return ACCEPTED, self.ask_for_certificate
        if action == "CertificateSigned":
            return self._signed(payload["certificateChain"])
        if action == "InstallCertificate":
            return self._installed(payload["certificate"]), None
        if action == "GetInstalledCertificateIds":
            # 1.6 asks for one type, 2.x for several or all.
            asked = payload.get("certificateType")
            has_them = asked in (None, CSMS_16) or CSMS in asked
            chains = [(CSMS, self._hashes(one)) for one in self.roots] if has_them else []
            return listed(self.version, *chains), None
        if action == "DeleteCertificate":
            self.roots = [one for one in self.roots if self._hashes(one) != payload["certificateHashData"]]
            return ACCEPTED, None
        assert action == "GetVariables", (action, payload)
        value = {"attributeStatus": "Accepted", "attributeValue": str(self.checks_roots).lower()}
        return {"getVariableResult": [value | _CHECK]}, None

    def _signed(self, pem: str) -> tuple[dict[str, Any], Callable[[], Any] | None]:
        chain = parsing.certificates(pem, field="chain")
        if self._pending is None or chain[0].public_key() != self._pending.public_key():
            return {"status": "Rejected"}, None
        try:
            paths.verify(chain[0], chain[1:], self.roots, at=datetime.now(UTC))
        except paths.PathRefused:
            return {"status": "Rejected"}, None
        self.chain, self._key, self._pending = chain, self._pending, None
        secret = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.file.write_text(parsing.pem_of(*chain) + secret.decode())
        return ACCEPTED, None if self.password else self.reconnect

    def _installed(self, pem: str) -> dict[str, Any]:
        root = parsing.certificate(pem, field="certificate")
        if self.checks_roots:
            try:
                root.verify_directly_issued_by(self.roots[0])
            except Exception:
                # ValueError, TypeError and InvalidSignature: all say that this is not its issuer.
                return {"status": "Rejected"}
        self.roots.append(root)
        self._seen_roots.append(root)
        return ACCEPTED

    def _hashes(self, root: x509.Certificate) -> dict[str, str]:
        issuer = next((one for one in self._seen_roots if one.subject == root.issuer), root)
        return hash_data.of(root, issuer, "SHA256").wire()
