"""CertificateSigned: the signed certificate goes to its station, again until there is an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings
from django.db import transaction

from certificates.models import IssuedCertificate, SigningRequest
from chargepoints.models import ChargePoint, Command
from chargepoints.services import asking, data_transfer
from ocpp_server import capabilities, live
from ocpp_server.commanding import find
from ocpp_server.domain import Conflict, DomainError, Missing
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import certificates as events
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.versions import in_dialect
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

State = SigningRequest.State
Issued = IssuedCertificate.State
SEND: Final = "send-certificate"
ACTION: Final = "CertificateSigned"
AT_ONCE: Final = 50
MOST_ATTEMPTS: Final = 6
_FIRST_PAUSE: Final = timedelta(seconds=30)
_OFFLINE_PAUSE: Final = timedelta(seconds=15)
# Beyond the deadline of the command: its result is stored by then.
_ANSWER_GRACE: Final = timedelta(seconds=5)
# The field of the schemas, and of stations that report no limit.
LONGEST_CHAIN: Final = 10_000
_LIMITS: Final = ("CertificateSignedMaxChainSize", "SecurityCtrlr.MaxCertificateChainSize")


class Answer(NamedTuple):
    """The answer to a CertificateSigned."""

    command_id: str
    is_accepted: bool
    reason: str
    at: datetime


# -- sending -------------------------------------------------------------------------------------------------


async def send_due() -> None:
    """Send the certificates that are due, and settle those whose command ended without an answer."""
    for pk in await journal.run(_due, datetime.now(UTC)):
        step = await journal.run(_settled, pk)
        if step is None or not live.state().is_connected(step.identity):
            continue
        command = find(SEND)
        assert command is not None
        try:
            await command.perform(step, actor="server", wait=False, number=pk)
        except (DomainError, LiveStateUnavailable) as error:
            log.info("certificate.not_sent", station=step.identity, request=pk, reason=str(error))


def _due(now: datetime) -> list[int]:
    due = SigningRequest.objects.filter(due_at__lte=now).order_by("due_at")
    return list(due.values_list("pk", flat=True)[:AT_ONCE])


def _settled(pk: int) -> ChargePoint | None:
    """Bring a row up to date. Returns the station if its certificate is to be sent now."""
    now = datetime.now(UTC)
    row = SigningRequest.objects.select_related("charge_point", "certificate").get(pk=pk)
    if row.state == State.SENT:
        _settle_sent(row, now)
    elif row.state == State.SIGNED and row.certificate is not None:
        if row.certificate.state == Issued.REVOKED:
            _end(row, State.FAILED, "The certificate was revoked.", now)
            return None
        # A station that is away is looked for again; its boot makes the row due at once.
        SigningRequest.objects.filter(pk=pk, state=State.SIGNED).update(due_at=now + _OFFLINE_PAUSE)
        return row.charge_point
    elif row.state == State.FAILED:
        _end(row, State.FAILED, row.reason, now)
    else:
        SigningRequest.objects.filter(pk=pk).update(due_at=None)
    return None


def _settle_sent(row: SigningRequest, now: datetime) -> None:
    found = asking.unanswered(row.command_id)
    if found is None and Command.objects.filter(pk=row.command_id, finished_at=None).exists():
        SigningRequest.objects.filter(pk=row.pk).update(due_at=now + _ANSWER_GRACE)
    elif found is not None and found.is_refused and row.attempts >= MOST_ATTEMPTS:
        _end(row, State.REFUSED, found.reason, now)
    elif row.attempts >= MOST_ATTEMPTS:
        _end(row, State.UNANSWERED, found.reason if found else "", now)
    else:
        # A station that lost its connection gets it again as soon as it is back.
        is_lost = Command.objects.filter(pk=row.command_id, state=Command.State.DISCONNECTED).exists()
        pause = timedelta() if is_lost else _FIRST_PAUSE * 2 ** (row.attempts - 1)
        SigningRequest.objects.filter(pk=row.pk, state=State.SENT).update(
            state=State.SIGNED, due_at=now + pause, reason=found.reason[:500] if found else ""
        )


def _end(row: SigningRequest, state: str, reason: str, at: datetime) -> None:
    """The end without an installed certificate: stored, and announced."""
    with transaction.atomic():
        rows = SigningRequest.objects.filter(pk=row.pk, state=row.state)
        if rows.update(state=state, reason=reason[:500], due_at=None, updated_at=at):
            if state == State.REFUSED and row.certificate_id is not None:
                IssuedCertificate.objects.filter(pk=row.certificate_id, state=Issued.ISSUED).update(
                    state=Issued.REFUSED
                )
            announce_failure(row, state, reason)


def announce_failure(row: SigningRequest, state: str, reason: str) -> None:
    """The event certificate.failed about a request; in the caller's transaction."""
    station = row.charge_point
    outbox.emit(
        events.FAILED,
        station=station.identity,
        site=station.site_id,
        signingRequestId=row.pk,
        certificateType=row.type,
        state=str(state),
        reason=reason,
    )
    log.warning(
        "certificate.failed", station=station.identity, request=row.pk, state=str(state), reason=reason
    )


def wake(charge_point_pk: int, at: datetime) -> None:
    """Make the certificates of a station due that waited for it, or were on their way when it left."""
    waiting = SigningRequest.objects.filter(
        charge_point=charge_point_pk, state__in=(State.SIGNED, State.SENT)
    )
    waiting.filter(due_at__gt=at).update(due_at=at)


# -- the command ---------------------------------------------------------------------------------------------


class ToSend(NamedTuple):
    """A signing request and the CALL that answers it, in the station's dialect."""

    pk: int
    action: str
    payload: dict[str, Any]


def to_send(charge_point: Any, number: int | None) -> ToSend:
    """The request of this station to answer. 1.6 has no certificate for vehicles: it gets the one of 2.0.1
    in a DataTransfer.

    Without a number it is the newest. Raises Missing, and Conflict for a request without a certificate.
    """
    rows = SigningRequest.objects.select_related("certificate").filter(charge_point=charge_point.pk)
    row = rows.filter(pk=number).first() if number else rows.exclude(certificate=None).order_by("-pk").first()
    if row is None:
        raise Missing("The station has no such signing request.", field="request")
    if row.certificate is None or row.certificate.state in (Issued.REVOKED, Issued.EXPIRED):
        raise Conflict("There is no valid certificate for this request.")
    payload: dict[str, Any] = {"certificateChain": chain(charge_point, row.certificate)}
    more: dict[str, Any] = {"certificateType": row.type}
    is_carried = row.type != IssuedCertificate.Type.STATION
    if in_dialect(charge_point.ocpp_version, is_carried, False):
        return ToSend(row.pk, "DataTransfer", data_transfer.carried(ACTION, payload | more))
    if row.request_number is not None:
        more["requestId"] = row.request_number
    return ToSend(row.pk, ACTION, payload | in_dialect(charge_point.ocpp_version, {}, more))


def chain(charge_point: Any, certificate: IssuedCertificate) -> str:
    """The certificate and the CAs below the root, as long as the station takes it; otherwise the certificate
    alone, because this server knows its CAs. Raises Conflict if that is too long, too.
    """
    reported = capabilities.reports.app.values(charge_point.pk, _LIMITS).values()
    limits = [int(value) for value in reported if value.isascii() and value.isdecimal() and int(value) > 0]
    most = min([LONGEST_CHAIN, *limits])
    whole = certificate.certificate + certificate.chain
    for found in (whole, certificate.certificate):
        if len(found) <= most:
            return found
    size = len(certificate.certificate)
    raise Conflict(f"The certificate has {size} characters; the station takes {most}.")


def begin(pk: int, command_id: str, timeout: float) -> None:
    """Note that the certificate goes out with this command."""
    now = datetime.now(UTC)
    row = SigningRequest.objects.get(pk=pk)
    row.state, row.command_id, row.attempts = State.SENT, command_id, row.attempts + 1
    row.due_at, row.updated_at = now + timedelta(seconds=timeout) + _ANSWER_GRACE, now
    row.save(update_fields=["state", "command_id", "attempts", "due_at", "updated_at"])


def not_sent(pk: int, command_id: str) -> None:
    """Take `begin` back: the command was refused before it was sent."""
    rows = SigningRequest.objects.filter(pk=pk, command_id=command_id, state=State.SENT)
    rows.update(state=State.SIGNED, due_at=datetime.now(UTC) + _FIRST_PAUSE)


def timeout_of(timeout: float | None) -> float:
    """The seconds that the station has for its answer."""
    return float(settings.OCPP_CALL_TIMEOUT if timeout is None else timeout)


# -- the answer ----------------------------------------------------------------------------------------------


def answered(charge_point_pk: int, answer: Answer) -> None:
    """Store the answer of the station. Accepted: it has the certificate, and logs on with it next."""
    row = (
        SigningRequest.objects.select_related("charge_point", "certificate")
        .filter(charge_point=charge_point_pk, command_id=answer.command_id)
        .exclude(command_id="")
        .first()
    )
    if row is None or row.certificate is None:
        return
    if not answer.is_accepted:
        if row.state != State.SUPERSEDED:
            _end(row, State.REFUSED, answer.reason, answer.at)
        return
    installed(row, row.certificate, answer.at)


def installed(row: SigningRequest, certificate: IssuedCertificate, at: datetime) -> None:
    """The station has the certificate: it has said so, or it has used it."""
    with transaction.atomic():
        changed = IssuedCertificate.objects.filter(
            pk=certificate.pk, state__in=(Issued.ISSUED, Issued.REFUSED)
        ).update(state=Issued.INSTALLED)
        SigningRequest.objects.filter(pk=row.pk).exclude(state=State.SUPERSEDED).update(
            state=State.INSTALLED, reason="", due_at=None, updated_at=at
        )
        if changed:
            outbox.emit(
                events.INSTALLED,
                station=row.charge_point.identity,
                site=row.charge_point.site_id,
                certificateId=certificate.pk,
                certificateType=certificate.type,
                serialNumber=certificate.serial,
                validUntil=certificate.not_after,
            )
