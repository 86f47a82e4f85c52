"""The OCSP client: one request per certificate and responder at a time, and a memory of the responses.

A response counts as long as it says itself, and at most a week. A request goes on to its end when its caller
has given up, so that the next station finds the response.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import structlog
from cryptography import x509
from django.conf import settings

from certificates.models import OcspResponse
from ocpp_server.observability.measures import Spread, Tally
from ocpp_server.outbound import http
from ocpp_server.outbound.addresses import AddressRefused
from ocpp_server.outbound.http import RequestFailed
from ocpp_server.pki import ocsp
from ocpp_server.pki.hash_data import HashData
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

KEPT: Final = timedelta(days=7)
# Stations name certificates and responders, so they could fill the table.
MOST_KEPT: Final = 10_000
# Requests of this process to responders at a time.
_AT_ONCE: Final = 64
_HEADERS: Final = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
_OK: Final = 200
_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

# Answers by outcome: stored, fetched, untrusted, refused (the address), failed (no answer).
outcomes: Final = Tally("outcome", awaited=(("failed",), ("untrusted",), ("refused",)))
latency: Final = Spread(_SECONDS)


class Failed(Exception):
    """No response that can be used. `str(error)` is a sentence, `code` a reasonCode (20 characters)."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Found(NamedTuple):
    """A response: its DER, and what it says."""

    der: bytes
    response: ocsp.Response


class OcspClient:
    """The requests that are under way. Belongs to one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[bytes | Failed]] = {}

    async def find(
        self, data: HashData, url: str, issuers: Sequence[x509.Certificate], *, within_s: float = 5.0
    ) -> Found:
        """The response of a responder about a certificate, stored or fetched. Raises Failed.

        `issuers` are the certificates that may prove it (`ocsp.read`).
        """
        at = datetime.now(UTC)
        try:
            body = ocsp.request(data)
        except (KeyError, ValueError, OverflowError):
            raise Failed("InvalidValue", "The hash data is not that of a certificate.") from None
        key = _key(data, url)
        stored = await journal.run(_stored, key, at)
        if stored is not None and (found := _read(stored, data, issuers, at)) is not None:
            outcomes.add("stored")
            return found
        der = await self._shared(key, body, url, within_s)
        try:
            found = Found(der, ocsp.read(der, data, issuers, at=datetime.now(UTC)))
        except ocsp.Untrusted as error:
            outcomes.add("untrusted")
            raise Failed("InvalidResponse", str(error)) from None
        outcomes.add("fetched")
        await journal.run(_store, key, data, url, found, at)
        return found

    async def _shared(self, key: str, body: bytes, url: str, within_s: float) -> bytes:
        """The answer to the request that is under way, or to a new one."""
        task = self._under_way.get(key)
        if task is None:
            # Without the context of this message: the request may outlast it.
            task = asyncio.create_task(_fetch(body, url), context=contextvars.Context())
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        try:
            async with asyncio.timeout(within_s):
                answer = await asyncio.shield(task)
        except TimeoutError:
            outcomes.add("failed")
            raise Failed("Timeout", f"The responder did not answer within {within_s:g} s.") from None
        if isinstance(answer, Failed):
            raise answer
        return answer


client: Final = OcspClient()
_slots: Final = asyncio.Semaphore(_AT_ONCE)


async def _fetch(body: bytes, url: str) -> bytes | Failed:
    began = time.perf_counter()
    try:
        async with _slots:
            answer = await http.request(
                "POST", url, body=body, headers=_HEADERS, listed=settings.OCPP_OCSP_ALLOWED_HOSTS
            )
    except AddressRefused as error:
        outcomes.add("refused")
        return Failed("AddressRefused", str(error))
    except RequestFailed as error:
        outcomes.add("failed")
        log.info("ocsp.failed", reason=str(error))
        return Failed("Unreachable", str(error))
    latency.add(time.perf_counter() - began)
    if answer.status != _OK:
        outcomes.add("failed")
        return Failed("InvalidResponse", f"The responder answered with the HTTP status {answer.status}.")
    return answer.body


def _read(der: bytes, data: HashData, issuers: Sequence[x509.Certificate], at: datetime) -> Found | None:
    """A stored response; None if a root that was added since then proves it wrong."""
    try:
        return Found(der, ocsp.read(der, data, issuers, at=at))
    except ocsp.Untrusted:
        return None


def _key(data: HashData, url: str) -> str:
    # With the address: otherwise a station could store its own response about a certificate of others.
    return hashlib.sha256("|".join((*data, url)).encode()).hexdigest()


def _stored(key: str, at: datetime) -> bytes | None:
    row = OcspResponse.objects.filter(key=key, expires_at__gt=at).values_list("response", flat=True).first()
    return None if row is None else bytes(row)


def _store(key: str, data: HashData, url: str, found: Found, at: datetime) -> None:
    until = min(found.response.next_update or at, at + KEPT)
    if until <= at:
        return
    rows = OcspResponse.objects
    if rows.count() >= MOST_KEPT and not rows.filter(key=key).exists():
        rows.filter(pk=rows.earliest("fetched_at").pk).delete()
    rows.update_or_create(
        key=key,
        defaults={
            "serial": data.serial,
            "url": url,
            "status": found.response.status.value,
            "response": found.der,
            "this_update": found.response.this_update,
            "expires_at": until,
            "fetched_at": at,
        },
    )


def delete_expired() -> None:
    """Delete responses that are out of date."""
    OcspResponse.objects.filter(expires_at__lte=datetime.now(UTC)).delete()
