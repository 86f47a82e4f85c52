"""Certificates of this server, from our own CAs: for TLS_CERT and TLS_SECOND_CERT."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import DNSName

from certificates.models import CertificateAuthority, IssuedCertificate
from certificates.services.certificates import choosing
from certificates.signing import authorities, building, issuing, keys
from certificates.signing.keys import Key, KeyStore
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.pki import parsing, requests

# Newer clients refuse server certificates with a longer life.
LIFE: Final = timedelta(days=397)
_SERVER_RSA_BITS: Final = 2048


def issue(store: KeyStore, hosts: Sequence[str], folder: Path, *, root: str = "") -> list[Path]:
    """Write a certificate with its chain and its key, RSA and ECDSA, as `server-<type>.pem` into the folder.

    Existing files are replaced: the server loads them without a restart. `root` is the name of the root, for
    the time with two. Raises Invalid for a bad host name, Conflict without a CA or with several roots and no
    name, and KeyUnusable.
    """
    for host in hosts:
        _check_host(host)
    active = CertificateAuthority.objects.filter(
        usage=CertificateAuthority.Usage.STATIONS,
        state=CertificateAuthority.State.ACTIVE,
        parent__isnull=False,
        issuing__isnull=True,
    )
    rows = [
        row
        for row in active.select_related("parent").order_by("pk")
        if not root or choosing.chain_of(row)[-1].name == root
    ]
    by_type = {row.key_type: row for row in rows}
    roots = sorted({choosing.chain_of(row)[-1].name for row in rows})
    if len(roots) > 1:
        raise Conflict(f"Choose the root that the stations know, with --root: {', '.join(roots)}.")
    if not by_type:
        raise Conflict("There is no CA yet: make one with manage.py pki init --organization NAME.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [_issue(store, row, hosts, folder / f"server-{kind}.pem") for kind, row in sorted(by_type.items())]


def _check_host(host: str) -> None:
    try:
        DNSName(host)
        is_wrong = not 0 < len(host) <= requests.LONGEST_NAME or " " in host or "/" in host
    except ValueError:
        is_wrong = True
    if is_wrong:
        raise Invalid(f"{host} is no host name of at most {requests.LONGEST_NAME} characters.", field="name")


def _issue(store: KeyStore, authority: CertificateAuthority, hosts: Sequence[str], path: Path) -> Path:
    key: Key
    if authority.key_type == keys.RSA:
        key = rsa.generate_private_key(public_exponent=65537, key_size=_SERVER_RSA_BITS)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
    public, now = key.public_key(), datetime.now(UTC)
    leaf = building.leaf(
        building.Leaf(
            subject=building.name(hosts[0], choosing.organization_of(authority)),
            key=public,
            not_before=now - building.BACKDATED,
            life=LIFE,
            hosts=hosts,
            list_url=issuing.list_url(authority),
        ),
        authorities.signer(store, authority),
    )
    above = [parsing.certificate(one.certificate, field="ca") for one in choosing.chain_of(authority)[:-1]]
    IssuedCertificate.objects.create(
        authority=authority,
        type=IssuedCertificate.Type.SERVER,
        serial=format(leaf.serial_number, "x"),
        sha256=parsing.sha256(leaf),
        key_sha256=requests.key_digest(public),
        subject=leaf.subject.rfc4514_string()[:500],
        certificate=parsing.pem_of(leaf),
        chain=parsing.pem_of(*above),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
    )
    # Without a passphrase: the server starts unattended. The file is readable by its user alone.
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(parsing.pem_of(leaf, *above) + private)
    draft.replace(path)
    return path
