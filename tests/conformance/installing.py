"""A station with a store of certificates, and the roots that the tests of certificates install."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

from ocpp_server.pki import hash_data, parsing
from tests.conformance.evidence import note
from tests.conformance.peer import V16, Peer, eventually
from tests.unit.pki.made import Made, make

CSMS, MANUFACTURER, V2G, MO, OEM = (
    "CSMSRootCertificate",
    "ManufacturerRootCertificate",
    "V2GRootCertificate",
    "MORootCertificate",
    "OEMRootCertificate",
)
KINDS = {CSMS: "csms", MANUFACTURER: "manufacturer", V2G: "v2g", MO: "mo", OEM: "oem"}
CSMS_16 = "CentralSystemRootCertificate"
ACCEPTED = {"status": "Accepted"}


def root(name: str = "Root", **how: Any) -> Made:
    return make(name, is_ca=True, **how)


def pem(made: Made) -> str:
    return parsing.pem_of(made.certificate)


def hashes(made: Made, issuer: Made | None = None, algorithm: str = "SHA256") -> dict[str, str]:
    """The hash data of a certificate as a good station spells it."""
    signer = (issuer or made).certificate
    return hash_data.of(made.certificate, signer, algorithm).wire()


def listed(version: str, *chains: tuple[str, dict[str, str]], **more: Any) -> dict[str, Any]:
    """The answer to a GetInstalledCertificateIds; in 1.6 of one type."""
    if not chains:
        return {"status": "NotFound"}
    if version == V16:
        return {"status": "Accepted", "certificateHashData": [data for _type, data in chains]}
    found = [{"certificateType": type_, "certificateHashData": data, **more} for type_, data in chains]
    return {"status": "Accepted", "certificateHashDataChain": found}


class Store:
    """Answers what the server asks of a station with these certificates; `asked` are its requests."""

    def __init__(self, peer: Peer, *chains: tuple[str, dict[str, str]]) -> None:
        self.peer = peer
        self.chains = list(chains)
        self._asked: list[list[Any]] = []
        self.answers: dict[str, dict[str, Any]] = {}

    @property
    def asked(self) -> list[list[Any]]:
        """The requests that the station got, as [action, payload]."""
        note("wire")
        return self._asked

    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action in self.answers:
            return self.answers[action]
        if action != "GetInstalledCertificateIds":
            return ACCEPTED
        wanted = payload.get("certificateType")
        types = [wanted] if isinstance(wanted, str) else wanted
        types = types and [CSMS if one == CSMS_16 else one for one in types]
        found = [chain for chain in self.chains if types is None or chain[0] in types]
        return listed(self.peer.version, *found)

    async def serve(self) -> None:
        while True:
            call = await self.peer.next_call(timeout=3600)
            self._asked.append(call[2:])
            await self.peer.answer(call, self.answer(*call[2:]))

    def of(self, action: str) -> list[Any]:
        """The payloads of the requests of one action."""
        return [payload for name, payload in self.asked if name == action]


@asynccontextmanager
async def serving(store: Store) -> Any:
    task = asyncio.create_task(store.serve())
    try:
        yield store
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Pressing:
    """The commands of an operator for one station, over REST."""

    def __init__(self, operator: Any, peer: Peer) -> None:
        self.operator = operator
        self.path = f"/api/v1/chargepoints/{peer.identity}"

    async def press(self, command: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        return await self.operator.request("POST", f"{self.path}/{command}", fields)  # type: ignore[no-any-return]

    async def certificates(self, query: str = "") -> list[dict[str, Any]]:
        status, answer = await self.operator.request("GET", f"{self.path}/certificates{query}")
        assert status == 200, answer
        return answer["data"]["certificates"]  # type: ignore[no-any-return]


async def added(operator: Any, made: Made, type_: str = CSMS, **more: Any) -> int:
    """The number of a trusted root that was added over REST."""
    body = {"kind": KINDS[type_], "certificate": pem(made), **more}
    status, answer = await operator.request("POST", "/api/v1/certificates/roots", body)
    assert status == 201, answer
    return int(answer["data"]["id"])


async def disable(operator: Any, number: int) -> None:
    """Disable a root. An enabled one of a manufacturer would be demanded of the firmware of other tests."""
    path = f"/api/v1/certificates/roots/{number}"
    status, answer = await operator.request("PATCH", path, {"isEnabled": False})
    assert status == 200, answer


async def installed(records: Any, peer: Peer, condition: Callable[[list[dict[str, Any]]], Any]) -> Any:
    """The rows of a station's certificates, once they fulfil this."""

    def rows() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = records.of("certificates_installedcertificate", peer.identity)
        return found if condition(found) else []

    return await eventually(rows)
