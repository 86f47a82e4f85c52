"""SignCertificate: a CSR of a station becomes a row for the signer (2.0.1 A02; 1.6 security extension
A02).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings

from certificates.models import IssuedCertificate, SigningRequest
from certificates.models.signing_request import OPEN
from certificates.services.certificates import choosing
from chargepoints.models import ChargePoint
from ocpp_server.domain import Conflict, DomainError, Refused
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import certificates as events
from ocpp_server.live.station import Station
from ocpp_server.pki import requests
from ocpp_server.storage import writes

log = structlog.get_logger(__name__)

State = SigningRequest.State
# The same CSR within this time is a repetition: a station that got no answer sends it again.
REPEATED_WITHIN: Final = timedelta(hours=1)
INVALID_CSR: Final = "InvalidCSR"
_NO_CA: Final = "NotEnabled"
_TOO_MANY: Final = "TooManyRequests"
_TYPES: Final = frozenset(IssuedCertificate.Type.values) - {IssuedCertificate.Type.SERVER}
_KEPT_TYPE: Final = 32
# Of a CSR that was rejected unread, this much is kept.
_KEPT: Final = requests.LONGEST


class Asked(NamedTuple):
    """A SignCertificate. `number` and `root` are the requestId and the hashRootCertificate of 2.1."""

    pem: str
    type: str
    at: datetime
    number: int | None = None
    root: Mapping[str, Any] | None = None


class Verdict(NamedTuple):
    """Whether the CSR is accepted; otherwise a reason code of 2.x and a sentence."""

    is_accepted: bool
    reason_code: str = ""
    sentence: str = ""


async def receive(*, station: Station, asked: Asked) -> Verdict:
    """Check and store a request of a station. It is accepted when it may be signed later."""
    fault, csr = "", None
    if asked.type not in _TYPES:
        # A tolerant server takes any text where OCPP lists the values.
        fault = f"There is no certificate type {asked.type[:_KEPT_TYPE]!r}."
        asked = asked._replace(type=asked.type[:_KEPT_TYPE])
        return await writes.with_result(station.unit, _store, station.pk, asked, csr, fault)
    try:
        # In a thread: checking the signature of a long RSA key takes a while.
        csr = await asyncio.to_thread(requests.read, asked.pem)
    except DomainError as error:
        fault = error.sentence
    return await writes.with_result(station.unit, _store, station.pk, asked, csr, fault)


def _store(charge_point_pk: int, asked: Asked, csr: requests.SigningRequest | None, fault: str) -> Verdict:
    charge_point = ChargePoint.objects.get(pk=charge_point_pk)
    known = _repeated(charge_point_pk, asked, csr)
    if known is not None and known.state not in (State.REJECTED, State.FAILED):
        return _again(known, asked)
    if known is None and not choosing.is_within_rate(charge_point_pk, asked.at):
        return Verdict(False, _TOO_MANY, "The station sends too many requests: try again in an hour.")
    row = known or SigningRequest(charge_point=charge_point, created_at=asked.at)
    row.type, row.csr, row.request_number = asked.type, kept(asked.pem), asked.number
    row.updated_at = asked.at
    verdict = Verdict(False, INVALID_CSR, fault) if csr is None else _judged(charge_point, row, asked, csr)
    if not verdict.is_accepted:
        row.state, row.reason, row.due_at = State.REJECTED, verdict.sentence[:500], None
        row.save()
        return verdict
    _supersede(row, asked.at)
    row.state = State.APPROVED if choosing.is_automatic(charge_point) else State.WAITING
    row.reason, row.due_at, row.attempts = "", None, 0
    row.save()
    outbox.emit(
        events.REQUESTED,
        station=charge_point.identity,
        site=charge_point.site_id,
        signingRequestId=row.pk,
        certificateType=row.type,
        state=row.state,
    )
    return verdict


def kept(pem: str) -> str:
    """The text of a CSR as it is stored: a station may send any text, and PostgreSQL stores no NUL."""
    return pem[:_KEPT].replace("\x00", "\ufffd")


def _repeated(
    charge_point_pk: int, asked: Asked, csr: requests.SigningRequest | None
) -> SigningRequest | None:
    rows = SigningRequest.objects.filter(charge_point=charge_point_pk, type=asked.type)
    if csr is None:
        # An unreadable text has no digest, so only the row of this very message is known: the journal writes
        # the message again when the connection was lost at its commit.
        return rows.filter(created_at=asked.at, csr=kept(asked.pem)).first()
    same = rows.filter(digest=csr.digest, created_at__gt=asked.at - REPEATED_WITHIN)
    return same.exclude(state=State.SUPERSEDED).order_by("-pk").first()


def _again(row: SigningRequest, asked: Asked) -> Verdict:
    """The answer to a repeated CSR. One that is signed is sent again: the station does not have it."""
    if row.state == State.DECLINED:
        return Verdict(False, INVALID_CSR, row.reason or "The request was declined.")
    row.request_number = asked.number
    if row.certificate_id is not None and row.state not in OPEN:
        row.state, row.attempts = State.SIGNED, 0
    if row.state in (State.SIGNED, State.SENT):
        row.state, row.due_at = State.SIGNED, asked.at
    row.updated_at = asked.at
    row.save(update_fields=["request_number", "state", "attempts", "due_at", "updated_at"])
    return Verdict(True)


def _judged(
    charge_point: ChargePoint, row: SigningRequest, asked: Asked, csr: requests.SigningRequest
) -> Verdict:
    row.digest, row.key_sha256 = csr.digest, csr.key_sha256
    row.common_name = csr.common_name[:255]
    authority = choosing.authority_for(asked.type, csr, root=asked.root)
    if authority is None and not settings.SIGNER_ISSUER:
        sentence = "There is no CA for this certificate" + (" below that root." if asked.root else ".")
        return Verdict(False, _NO_CA, sentence)
    row.authority = authority
    try:
        choosing.check(charge_point, csr, authority)
    except Refused as error:
        return Verdict(False, INVALID_CSR, error.sentence)
    return Verdict(True)


def _supersede(row: SigningRequest, at: datetime) -> None:
    """The newest CSR of a type wins (2.0.1 A02)."""
    older = SigningRequest.objects.filter(
        charge_point=row.charge_point_id, type=row.type, state__in=[*OPEN, State.UNANSWERED, State.FAILED]
    )
    older.exclude(pk=row.pk).update(state=State.SUPERSEDED, due_at=None, updated_at=at)


# -- approval ------------------------------------------------------------------------------------------------


def approve(row: SigningRequest, *, actor: str, at: datetime | None = None) -> SigningRequest:
    """Let the signer sign it. Raises Conflict unless it waits for approval, or could not be signed."""
    at = at or datetime.now(UTC)
    changed = SigningRequest.objects.filter(pk=row.pk, state__in=(State.WAITING, State.FAILED)).update(
        state=State.APPROVED,
        reason="",
        approved_by=actor[:150],
        approved_at=at,
        due_at=None,
        updated_at=at,
    )
    if not changed:
        raise Conflict("Only a request that waits for approval, or that was not signed, can be approved.")
    log.info("certificate.approved", request=row.pk, actor=actor)
    return _fresh(row)


def decline(
    row: SigningRequest, *, actor: str, reason: str = "", at: datetime | None = None
) -> SigningRequest:
    """Refuse a request that waits. The station has got Accepted, and will get no certificate. Raises
    Conflict.
    """
    at = at or datetime.now(UTC)
    why = reason or "Declined by an administrator."
    changed = SigningRequest.objects.filter(pk=row.pk, state__in=(State.WAITING, State.FAILED)).update(
        state=State.DECLINED, reason=why[:500], approved_by=actor[:150], approved_at=at, updated_at=at
    )
    if not changed:
        raise Conflict("Only a request that waits for approval, or that was not signed, can be rejected.")
    log.info("certificate.declined", request=row.pk, actor=actor)
    return _fresh(row)


def _fresh(row: SigningRequest) -> SigningRequest:
    return SigningRequest.objects.select_related("charge_point", "authority", "certificate").get(pk=row.pk)
