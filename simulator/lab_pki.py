"""A small PKI for labs and demos: a root with CAs below it, and the contract certificates of vehicles.

The keys live in memory and protect nothing: never install these roots on a real station.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID

from simulator import pki
from simulator.pki import Certificate, PrivateKey
from simulator.vehicles import Vehicle


@dataclass(frozen=True)
class Authority:
    """A CA with its key."""

    certificate: Certificate
    key: PrivateKey


def issue(
    name: x509.Name,
    public_key: Any,
    by: Authority | None,
    signer: PrivateKey,
    *,
    is_ca: bool = False,
    days: tuple[float, float] = (-1, 365),
    ocsp_url: str = "",
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Certificate:
    """Return a certificate with this name and key. `by` None makes a root; `days` is the validity from now;
    `more` are further extensions, each with its criticality.
    """
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by.certificate.subject if by else name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if ocsp_url:
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp_url)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    for extension, is_critical in more:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(signer, hashes.SHA256())


def authority(
    common_name: str, organization: str, *, by: Authority | None = None, ocsp_url: str = ""
) -> Authority:
    """Return a new CA, signed by another one or by itself."""
    key = pki.new_key()
    name = pki.subject(common_name, organization)
    signer = by.key if by else key
    certificate = issue(name, key.public_key(), by, signer, is_ca=True, days=(-1, 3650), ocsp_url=ocsp_url)
    return Authority(certificate, key)


class LabPki:
    """A root, two CAs below it, and leaves: the shape of ISO 15118. `ocsp_url` is the OCSP responder that
    every certificate below the root names; "" names none.
    """

    def __init__(self, organization: str = "Lab MO", *, ocsp_url: str = "") -> None:
        self.organization, self.ocsp_url = organization, ocsp_url
        self.root = authority(f"{organization} Root", organization)
        self.first = authority(f"{organization} Sub 1", organization, by=self.root, ocsp_url=ocsp_url)
        self.second = authority(f"{organization} Sub 2", organization, by=self.first, ocsp_url=ocsp_url)
        self.revoked: set[int] = set()  # serial numbers, for the OCSP responder

    @property
    def authorities(self) -> tuple[Authority, Authority, Authority]:
        """The CAs from the lowest to the root."""
        return self.second, self.first, self.root

    def contract(
        self,
        emaid: str,
        *,
        days: tuple[float, float] = (-1, 365),
        is_revoked: bool = False,
        is_forged: bool = False,
    ) -> Vehicle:
        """Return a vehicle with a contract for this eMAID. A forged contract is not signed by its issuer."""
        key = pki.new_key()
        name = pki.subject(emaid, self.organization, domain="MO")
        signer = pki.new_key() if is_forged else self.second.key
        leaf = issue(name, key.public_key(), self.second, signer, days=days, ocsp_url=self.ocsp_url)
        if is_revoked:
            self.revoked.add(leaf.serial_number)
        chain = (leaf, self.second.certificate, self.first.certificate)
        return Vehicle(chain, root=self.root.certificate, responder=self.ocsp_url)

    def sign(self, csr: str, *, days: tuple[float, float] = (-0.01, 90)) -> str:
        """Return the chain in PEM for a signing request, without the root. Its subject is taken as it is."""
        request = x509.load_pem_x509_csr(csr.encode())
        leaf = issue(request.subject, request.public_key(), self.second, self.second.key, days=days)
        return pki.pem_of([leaf, self.second.certificate, self.first.certificate])
