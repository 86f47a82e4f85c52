"""Signing requests of a station: SignCertificate until CertificateSigned comes (1.6 and 2.x A02)."""

import asyncio
import contextlib
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from simulator import pki
from simulator.certificates import SECC, SECC_20, STATION
from simulator.pnc import call_2x
from simulator.versions import V16, V21
from simulator.wire import CallFailed, NoAnswer

if TYPE_CHECKING:
    from simulator.station import Station

BOTH = frozenset({STATION, SECC})
RENEWS_BEFORE = timedelta(days=30)  # A03.FR.02
_WEAK = "RSA1024"


class Signing:
    """The signing requests of one station. ``key_kind`` is EC or RSA with a number of bits."""

    def __init__(self, station: "Station", *, key_kind: str) -> None:
        self._station = station
        self._key_kind = key_kind
        self._numbers = itertools.count(1)
        self._arrived: dict[frozenset[str], asyncio.Event] = {}
        self._last: dict[frozenset[str], pki.PrivateKey] = {}

    async def request(self, *uses: str) -> str:
        """Ask for a certificate for these uses, and repeat the request with doubled waits until a certificate
        comes. Returns the status of the first answer, "" without an answer.
        """
        kinds = frozenset(uses)
        arrived = self._arrived[kinds] = asyncio.Event()
        status = await self._send(kinds)
        # 1.6 has no repetition for the certificate of the charge point.
        if status in ("Accepted", "") and (self._station.version != V16 or kinds != {STATION}):
            self._station.background(self._repeat(kinds, arrived), name="signing request")
        return status

    async def _repeat(self, kinds: frozenset[str], arrived: asyncio.Event) -> None:
        """2.0.1 A02.FR.17 to 19."""
        settings = self._station.settings
        wait = float(settings.number("signing_wait"))
        for _ in range(settings.number("signing_repeats")):
            try:
                async with asyncio.timeout(wait / self._station.clock.speed):
                    await arrived.wait()
                return
            except TimeoutError:
                pass
            if self._arrived.get(kinds) is not arrived:
                return  # a later request has taken its place
            await self._send(kinds)
            wait *= 2

    def received(self, uses: frozenset[str]) -> None:
        """Note that a usable certificate came."""
        if arrived := self._arrived.pop(uses, None):
            arrived.set()

    async def renew(self) -> None:
        """Ask for a certificate when there is none, or the one in use ends within 30 days."""
        usable = self._station.certificates.usable()
        ends = usable[0].leaf.not_valid_after_utc if usable else None
        if ends is None or ends - self._station.clock.now() < RENEWS_BEFORE:
            await self.request(STATION)

    async def _send(self, kinds: frozenset[str]) -> str:
        station = self._station
        payload: dict[str, object] = {"csr": self.csr(kinds)}
        if station.version == V16 and kinds == {STATION}:
            call = station.call("SignCertificate", payload)
        else:
            if len(kinds) == 1:
                payload["certificateType"] = next(iter(kinds))
            if station.version == V21:
                payload["requestId"] = next(self._numbers)
            call = call_2x(station, "SignCertificate", payload)
        with contextlib.suppress(NoAnswer, CallFailed):
            return str((await call)["status"])
        return ""

    def csr(self, kinds: frozenset[str]) -> str:
        """Return a new signing request in PEM. Its key is kept until the certificate comes."""
        behaviour = self._station.misbehaviour
        if behaviour.csr_key == "reused" and kinds in self._last:
            key = self._last[kinds]
        else:
            key = pki.new_key(_WEAK if behaviour.csr_key == "weak" else self._key_kind)
        self._last[kinds] = key
        self._station.certificates.remember_key(kinds, key)
        text = pki.signing_request(key, self._subject(kinds), as_ca=behaviour.csr_as_ca)
        return _unproved(text) if behaviour.csr_key == "unproved" else text

    def _subject(self, kinds: frozenset[str]) -> x509.Name:
        station = self._station
        behaviour, settings = station.misbehaviour, station.settings
        organization = behaviour.csr_organization or settings.text("organization")
        if not kinds & {SECC, SECC_20}:
            own = station.identity if station.names_identity else station.serial
            return pki.subject(behaviour.csr_common_name or own, organization)
        # The names of ISO 15118-2: the id of the SECC, and CPO as the domain component.
        secc = station.serial if kinds == BOTH else settings.text("secc_id") or station.serial
        country = settings.text("country")
        organization = behaviour.csr_organization or settings.text("secc_organization") or organization
        return pki.subject(behaviour.csr_common_name or secc, organization, country=country, domain="CPO")


def _unproved(pem: str) -> str:
    """The request with a signature that is not that of its key."""
    der = bytearray(x509.load_pem_x509_csr(pem.encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()
