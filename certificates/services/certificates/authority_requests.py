"""Requests to the signer for CAs, and the states of CAs."""

from __future__ import annotations

import structlog

from certificates.models import AuthorityRequest, CertificateAuthority
from ocpp_server.domain import Conflict, Invalid

log = structlog.get_logger(__name__)

Waiting = AuthorityRequest.State.WAITING
# A person asks for CAs now and then; a signer that is away must not find thousands.
MOST_WAITING = 20


def create(
    *, organization: str, actor: str, name: str = "", usage: str = CertificateAuthority.Usage.STATIONS
) -> AuthorityRequest:
    """Ask the signer for CAs. Raises Invalid for an empty organization, and Conflict while many wait."""
    check(organization, name)
    return AuthorityRequest.objects.create(
        organization=organization.strip(), name=name.strip(), usage=usage, actor=actor[:150]
    )


def check(organization: str, name: str = "") -> None:
    """Raise the errors of `create`."""
    for field, text in (("organization", organization), ("name", name or "x")):
        if not text.strip() or not text.isprintable():
            raise Invalid("Use printable characters.", field=field)
    if AuthorityRequest.objects.filter(state=Waiting).count() >= MOST_WAITING:
        raise Conflict("Too many requests wait for the signer: is it running?")


def retire(row: CertificateAuthority, *, actor: str) -> CertificateAuthority:
    """Let this CA sign no more certificates."""
    return _in_state(row, CertificateAuthority.State.RETIRED, actor)


def activate(row: CertificateAuthority, *, actor: str) -> CertificateAuthority:
    """Let a retired CA sign again. Raises Conflict for an external one, whose key is not here."""
    if row.key_name.startswith("external-"):
        raise Conflict("The key of an external CA is not here.")
    return _in_state(row, CertificateAuthority.State.ACTIVE, actor)


def _in_state(row: CertificateAuthority, state: str, actor: str) -> CertificateAuthority:
    row.state = state
    log.info("certificate.authority", authority=row.name, state=str(state), actor=actor)
    row.save(update_fields=["state"])
    return row
