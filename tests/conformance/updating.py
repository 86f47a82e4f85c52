"""The operator's side of a firmware update, and the station's notifications."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conformance.peer import V16, Operator, Peer

LOCATION = "https://files.example.com/1.1.bin"
OLD, NEW = "1.0", "1.1"
_CONTENT = b"firmware 1.1"


def _signature() -> dict[str, str]:
    """The fields of a signed file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Vendor")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1))
    certificate = made.not_valid_after(now + timedelta(days=9)).sign(key, hashes.SHA256())
    return {
        "sha256": hashlib.sha256(_CONTENT).hexdigest(),
        "signature": base64.b64encode(key.sign(_CONTENT, ec.ECDSA(hashes.SHA256()))).decode(),
        "signingCertificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }


SIGNED = _signature()


class Asked:
    """An update that was asked for: the frame of the station, and the answer of the API."""

    def __init__(self, call: list[Any], status: int, answer: dict[str, Any]) -> None:
        self.action, self.payload = call[2], call[3]
        self.status, self.answer = status, answer

    @property
    def id(self) -> int:
        number: int = self.answer["data"]["updateId"]
        return number


async def boot(peer: Peer, version: str, **more: Any) -> None:
    """A boot with this firmware version."""
    if peer.version == V16:
        payload = {"chargePointVendor": "Vendor", "chargePointModel": "Model", "firmwareVersion": version}
    else:
        station = {"vendorName": "Vendor", "model": "Model", "firmwareVersion": version}
        payload = {"reason": "FirmwareUpdate", "chargingStation": station, **more}
    assert (await peer.call("BootNotification", payload))["status"] == "Accepted"


async def ask(operator: Operator, peer: Peer, reply: dict[str, Any] | str, **body: Any) -> Asked:
    """Ask a station for an update, and let it answer, with a CALLERROR if the reply is its code."""
    body = {"location": LOCATION, "version": NEW} | body
    path = f"/api/v1/chargepoints/{peer.identity}/update-firmware"
    sent = asyncio.create_task(operator.request("POST", path, body))
    call = await peer.next_call()
    if isinstance(reply, str):
        await peer.send([4, call[1], reply, "", {}])
        # The station may get the other action at once.
        if call[2] == "SignedUpdateFirmware":
            call = await peer.next_call()
            await peer.answer(call, {})
    else:
        await peer.answer(call, reply)
    return Asked(call, *await sent)


async def notify(peer: Peer, *statuses: str, number: int | None = None, signed: bool = False) -> None:
    """Report the progress; each notification must be answered `{}`."""
    action = "SignedFirmwareStatusNotification" if signed else "FirmwareStatusNotification"
    for status in statuses:
        payload: dict[str, Any] = {"status": status}
        if number is not None:
            payload["requestId"] = number
        assert await peer.call(action, payload) == {}


async def shown(operator: Operator, number: int) -> dict[str, Any]:
    """An update as the API shows it."""
    status, answer = await operator.request("GET", f"/api/v1/firmware-updates/{number}")
    assert status == 200, answer
    data: dict[str, Any] = answer["data"]
    return data


async def in_state(operator: Operator, number: int, state: str) -> dict[str, Any]:
    """The update once it has this state: it is computed after the answer to a message."""
    for _ in range(1000):
        row = await shown(operator, number)
        if row["state"] == state:
            return row
        await asyncio.sleep(0.02)  # no event to await: another process changes its database
    raise AssertionError(f"the update is {row}")
