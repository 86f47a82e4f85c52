"""The rule about client certificates of stations (security profile 3; 2.0.1 A00.FR.401 to 405, 16-087).

A station is admitted with a certificate that leads to an enabled root of this server or of a manufacturer,
that is valid, meant for TLS clients and not revoked, and whose common name (CN) is the station's serial
number or its identity. Certificates below a root of ours also need the organization (O) of our CAs. A
certificate that our CAs have issued for one station is good for that station alone.

Fills the engine's port `ClientCertificates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates.models import IssuedCertificate
from certificates.services.certificates import adoption, revocation, trust
from certificates.services.certificates.trust import Trust
from ocpp_server.pki import parsing, paths
from ocpp_server.transport.handshake.client_certificates import Presented, Proved, Refused

_ANY_USAGE: Final = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


def check(presented: list[Presented]) -> list[Proved | Refused]:
    """Check the certificates of stations that log on at the same time, with one query for all of them.

    A first logon with a certificate, a first one within an hour and a way back to an older certificate cost
    more queries (`adoption.used`).
    """
    now, trusted = datetime.now(UTC), trust.current()
    chains = [_read(one.chain) for one in presented]
    prints = [parsing.sha256(chain[0]) if chain else "" for chain in chains]
    rows = {row.sha256: row for row in adoption.presented([one for one in prints if one])}
    verdicts: list[Proved | Refused] = []
    for one, chain, sha256 in zip(presented, chains, prints, strict=True):
        if chain is None:
            verdicts.append(Refused("The client certificate can't be read."))
            continue
        station = one.charge_point
        fault = fault_of(
            chain, identity=station.identity, serial_number=station.serial_number, trusted=trusted, at=now
        ) or _fault_of_row(rows.get(sha256), station.pk)
        if fault:
            verdicts.append(Refused(fault))
            continue
        if sha256 in rows and not adoption.is_noted(rows[sha256], now):
            adoption.used(charge_point_pk=station.pk, sha256=sha256, at=now)
        verdicts.append(Proved(parsing.common_name(chain[0].subject)))
    return verdicts


def roots() -> str:
    """The roots with which TLS checks the certificates of stations, and our CAs below them, in PEM."""
    return trust.current().pem


def fault_of(
    chain: Sequence[x509.Certificate],
    *,
    identity: str,
    serial_number: str,
    trusted: Trust,
    at: datetime,
) -> str:
    """Why the station must not log on with these certificates, as a sentence; empty if it may.

    `serial_number` is empty for a station that has never reported one: then the CN must be its identity.
    """
    leaf, *others = chain
    try:
        path = paths.verify(leaf, [*others, *trusted.cas], trusted.roots, at=at)
    except paths.PathRefused as refused:
        return str(refused)
    return (
        _fault_of_usage(leaf)
        or revocation.fault_of(path, trusted)
        or _fault_of_organization(leaf, path[-1], trusted)
        or _fault_of_name(leaf, identity, serial_number)
    )


def _read(chain: Sequence[bytes]) -> list[x509.Certificate] | None:
    """The certificates; None if one can't be read."""
    try:
        return [parsing.read(x509.load_der_x509_certificate(one)) for one in chain[: parsing.MOST_IN_CHAIN]]
    except parsing.UNREADABLE:
        return None


def _fault_of_usage(leaf: x509.Certificate) -> str:
    usage = parsing.extension(leaf.extensions, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        return f"{_named(leaf)} is not for TLS clients: its key usage lacks digitalSignature."
    purposes = parsing.extension(leaf.extensions, x509.ExtendedKeyUsage)
    if purposes is not None and not {ExtendedKeyUsageOID.CLIENT_AUTH, _ANY_USAGE} & set(purposes):
        return f"{_named(leaf)} is not for TLS clients: its extended key usage lacks clientAuth."
    return ""


def _fault_of_organization(leaf: x509.Certificate, root: x509.Certificate, trusted: Trust) -> str:
    """A00.FR.404: the certificates below a root of ours have our organization."""
    allowed = trusted.organizations.get(parsing.sha256(root), frozenset())
    given = parsing.organization(leaf.subject)
    if not allowed or given in allowed:
        return ""
    return (
        f"The organization (O) of {_named(leaf, is_first=False)} is {_quoted(given)}, and not "
        f"{' or '.join(_quoted(one) for one in sorted(allowed))}."
    )


def _fault_of_name(leaf: x509.Certificate, identity: str, serial_number: str) -> str:
    """A00.FR.405: the CN is the serial number, compared exactly, or the identity, without case."""
    given = parsing.common_name(leaf.subject)
    if given and (given == serial_number or given.casefold() == identity.casefold()):
        return ""
    serial = _quoted(serial_number) if serial_number else "(not known)"
    return (
        f"The certificate is that of another station: its name (CN) {_quoted(given)} is neither the serial "
        f"number {serial} nor the identity {_quoted(identity)}."
    )


def _fault_of_row(row: IssuedCertificate | None, charge_point_pk: int) -> str:
    if row is None:
        return ""
    if row.state == IssuedCertificate.State.REVOKED or row.revoked_at is not None:
        return f"The certificate {row.subject[:200]} is revoked by our CA ({row.revocation_reason or '-'})."
    if row.charge_point_id not in (None, charge_point_pk):
        return f"The certificate {row.subject[:200]} was issued for another station."
    return ""


def _named(certificate: x509.Certificate, *, is_first: bool = True) -> str:
    subject = certificate.subject.rfc4514_string()[:200] or "without a name"
    return f"{'The' if is_first else 'the'} certificate {subject}"


def _quoted(text: str) -> str:
    return repr(text[:100])
