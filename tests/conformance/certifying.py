"""Stations that ask for certificates, at a server with a signer."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509

from ocpp_server.pki import parsing, paths
from tests.conformance.evidence import note
from tests.conformance.peer import TIMEOUT_S, V16, Operator, Peer, fresh
from tests.servers import LiveServer
from tests.unit.certificates.csrs import ORGANIZATION

PASSPHRASE: Final = "the passphrase of a real signer"
PASSWORD: Final = "password-of-a-station"
STATION, V2G, V2G20 = "ChargingStationCertificate", "V2GCertificate", "V2G20Certificate"
_REQUESTS: Final = "/api/v1/certificates/signing-requests"


def set_up(live: LiveServer) -> None:
    """Ask the signer for CAs, for stations and towards vehicles, and wait until they are there."""
    for usage in ("stations", "v2g"):
        body = {"organization": ORGANIZATION, "usage": usage}
        status, answer = live.request("POST", "/api/v1/certificates/authority-requests", body)
        assert status == 201, answer
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        _, answer = live.request("GET", "/api/v1/certificates/authority-requests?state=done")
        if len(answer["data"]["authorityRequests"]) == 2:
            return
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)  # poll: another process makes the keys


async def trusted(operator: Operator, **settings: Any) -> str:
    """The identity of a new station with a password: its requests need no approval."""
    identity = fresh()
    await operator.provision(identity, password=PASSWORD, securityProfile=1, **settings)
    return identity


async def ask(peer: Peer, csr: str, type: str = STATION, **more: Any) -> dict[str, Any]:
    """SignCertificate; 1.6 has no type. Returns the answer."""
    payload = {"csr": csr} if peer.version == V16 else {"csr": csr, "certificateType": type, **more}
    return await peer.call("SignCertificate", payload)


async def sent(peer: Peer) -> tuple[list[Any], list[x509.Certificate]]:
    """The next CertificateSigned: its frame, and the certificates of its chain."""
    call = await peer.next_call()
    assert call[2] == "CertificateSigned", call
    return call, parsing.certificates(call[3]["certificateChain"], field="chain")


def root(live: LiveServer, usage: str = "stations") -> x509.Certificate:
    """The root of our CAs."""
    _, answer = live.request("GET", "/api/v1/certificates/authorities")
    (pem,) = (
        one["certificate"]
        for one in answer["data"]["authorities"]
        if one["parentId"] is None and one["usage"] == usage
    )
    return parsing.certificate(pem, field="root")


def check_chain(chain: list[x509.Certificate], top: x509.Certificate) -> None:
    """The leaf is first, then the CAs, without the root; and the path is valid now."""
    note("wire")
    assert top not in chain
    found = paths.verify(chain[0], chain[1:], [top], at=datetime.now(UTC))
    assert found == [*chain, top]


async def newest(operator: Operator, identity: str) -> dict[str, Any]:
    """The newest signing request of a station, over REST."""
    status, answer = await operator.request("GET", f"{_REQUESTS}?clientId={identity}")
    assert status == 200, answer
    found: dict[str, Any] = answer["data"]["signingRequests"][0]
    return found


async def in_state(operator: Operator, identity: str, *states: str) -> dict[str, Any]:
    """The newest signing request, once it has one of these states."""
    deadline = asyncio.get_running_loop().time() + TIMEOUT_S
    while True:
        row = await newest(operator, identity)
        if row["state"] in states:
            return row
        assert asyncio.get_running_loop().time() < deadline, row
        await asyncio.sleep(0.05)  # poll: another process changes the database


async def certificate(operator: Operator, number: int) -> dict[str, Any]:
    """An issued certificate, over REST."""
    status, answer = await operator.request("GET", f"/api/v1/certificates/issued/{number}")
    assert status == 200, answer
    shown: dict[str, Any] = answer["data"]
    return shown


async def decide(operator: Operator, number: int, word: str, **body: Any) -> tuple[int, dict[str, Any]]:
    """`approve` or `reject` a signing request."""
    return await operator.request("POST", f"{_REQUESTS}/{number}/{word}", body)
