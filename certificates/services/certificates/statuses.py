"""The status of certificates that stations ask about: the responder's own words, or a verdict for each.

The certificates are those of the station or of a vehicle, and so is the decision. A response that is proved
wrong fails; one whose issuer this server does not know is passed on as it is.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cryptography import x509
from django.conf import settings

from certificates.services.certificates import trusted
from certificates.services.certificates.ocsp import Failed, client
from ocpp_server.outbound import http
from ocpp_server.outbound.addresses import AddressRefused
from ocpp_server.outbound.http import Limits, RequestFailed
from ocpp_server.pki import crl, ocsp
from ocpp_server.pki.hash_data import ALGORITHMS, HashData

# For one certificate with all of its addresses, and for a whole chain: a station waits 30 s for an answer.
ITEM_S: Final = 10.0
CHAIN_S: Final = 20.0
_OCSP: Final = "OCSP"
_CRL_LIMITS: Final = Limits(total_s=ITEM_S, most_bytes=8 * 1024 * 1024)
_OK: Final = 200
_WORDS: Final = {
    ocsp.Status.GOOD: "Good",
    ocsp.Status.REVOKED: "Revoked",
    ocsp.Status.UNKNOWN: "Unknown",
}


class Wanted(NamedTuple):
    """A certificate, and where its status is: at OCSP responders or in revocation lists (`CRL`)."""

    data: HashData
    source: str
    urls: tuple[str, ...]


class Status(NamedTuple):
    """The status of a certificate in the words of 2.1, and until when it counts."""

    word: str
    next_update: datetime


async def response(data: HashData, url: str, most_characters: int) -> str | Failed:
    """The DER of the OCSP response in base64, with at most so many characters."""
    try:
        found = await client.find(data, url, await trusted.roots())
    except Failed as failed:
        return failed
    text = base64.b64encode(found.der).decode()
    if len(text) > most_characters:
        return Failed(
            "TooLargeElement", f"The response has {len(text):,} characters; {most_characters:,} fit."
        )
    return text


async def of_chain(wanted: Sequence[Wanted], at: datetime) -> list[Status]:
    """The status of each certificate, in the order of the request. Never fails."""
    roots = await trusted.roots()
    tasks = [asyncio.create_task(_of_one(one, roots, at)) for one in wanted]
    await asyncio.wait(tasks, timeout=CHAIN_S)
    for task in tasks:
        task.cancel()  # a finished one stays as it is
    await asyncio.gather(*tasks, return_exceptions=True)
    return [Status("Failed", at) if task.cancelled() else task.result() for task in tasks]


async def _of_one(wanted: Wanted, roots: Sequence[x509.Certificate], at: datetime) -> Status:
    """The status from the first address that has one."""
    try:
        async with asyncio.timeout(ITEM_S):
            for url in wanted.urls:
                try:
                    if wanted.source == _OCSP:
                        return await _by_ocsp(wanted.data, url, roots, at)
                    return await _by_list(wanted.data, url, roots, at)
                except (Failed, RequestFailed, AddressRefused, ocsp.Untrusted):
                    continue
    except TimeoutError:
        pass
    return Status("Failed", at)


async def _by_ocsp(data: HashData, url: str, roots: Sequence[x509.Certificate], at: datetime) -> Status:
    said = (await client.find(data, url, roots)).response
    return Status(_WORDS[said.status], said.next_update or at)


async def _by_list(data: HashData, url: str, roots: Sequence[x509.Certificate], at: datetime) -> Status:
    if data.algorithm not in ALGORITHMS:
        raise ocsp.Untrusted("The digest is not known.")
    answer = await http.request("GET", url, listed=settings.OCPP_OCSP_ALLOWED_HOSTS, limits=_CRL_LIMITS)
    if answer.status != _OK:
        raise ocsp.Untrusted(f"The HTTP status is {answer.status}.")
    # A long list takes seconds to read.
    listed = await asyncio.to_thread(crl.read, answer.body, data, roots, at=at)
    return Status("Revoked" if listed.is_revoked else "Good", listed.next_update)
