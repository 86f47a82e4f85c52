"""Reading certificate signing requests (PKCS#10), with the checks that need nothing but the request."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from ocpp_server.domain import Invalid
from ocpp_server.pki import parsing

# SignCertificate.csr in every version.
LONGEST: Final = 5500
# A longer key only costs time.
LONGEST_RSA: Final = 8192
LONGEST_NAME: Final = 64  # RFC 5280: ub-common-name, ub-organization-name

_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_LABELS: Final = ({"CERTIFICATE REQUEST"}, {"NEW CERTIFICATE REQUEST"})
_BROKEN: Final = (hashes.MD5, hashes.SHA1)
_FIELD: Final = "csr"


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A request whose signature is valid. `digest` and `key_sha256` are hexadecimal SHA-256 of the request
    and of the subjectPublicKeyInfo.
    """

    csr: x509.CertificateSigningRequest
    key: parsing.PublicKey
    digest: str
    key_sha256: str
    common_name: str
    organization: str


def read(pem: str) -> SigningRequest:
    """The request of a PEM text: valid signature, strong key, a common name, no CA and no name of another.

    Raises Invalid with a sentence about the fault. It takes up to some milliseconds: not for the event loop.
    """
    csr = _parsed(pem)
    key = parsing.key_of(csr, field=_FIELD)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size > LONGEST_RSA:
        raise _refusal(f"An RSA key of {key.key_size} bits is too long: {LONGEST_RSA} at most.")
    if isinstance(csr.signature_hash_algorithm, _BROKEN):
        raise _refusal("The signature of the CSR has a broken hash algorithm; use SHA-256.")
    if not _is_signed(csr):
        raise _refusal("The signature of the CSR is wrong: it does not prove that its sender has the key.")
    names = csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1 or not str(names[0].value).strip():
        raise _refusal("The subject of the CSR needs one common name (CN).")
    common_name, organization = str(names[0].value), parsing.organization(csr.subject)
    if not (common_name + organization).isprintable() or len(common_name) > LONGEST_NAME:
        raise _refusal(f"The subject of the CSR needs printable names of at most {LONGEST_NAME} characters.")
    _check_extensions(csr, common_name)
    return SigningRequest(
        csr=csr,
        key=key,
        digest=hashlib.sha256(csr.public_bytes(Encoding.DER)).hexdigest(),
        key_sha256=key_digest(key),
        common_name=common_name,
        organization=organization,
    )


def key_digest(key: parsing.PublicKey) -> str:
    """The SHA-256 of a key's subjectPublicKeyInfo, in hexadecimal digits."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _parsed(pem: str) -> x509.CertificateSigningRequest:
    if len(pem) > LONGEST:
        raise _refusal(f"The CSR has {len(pem)} characters; {LONGEST} are allowed.")
    labels = _PEM.findall(pem)
    if len(labels) != 1 or set(labels) not in _LABELS:
        raise _refusal("Use one CSR in PEM, from BEGIN CERTIFICATE REQUEST to its end.")
    try:
        csr = x509.load_pem_x509_csr(pem.strip().encode("ascii", "replace"))
        _ = csr.extensions, csr.subject
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise _refusal("The CSR can't be read.") from None
    return csr


def _is_signed(csr: x509.CertificateSigningRequest) -> bool:
    try:
        return csr.is_signature_valid
    except (ValueError, UnsupportedAlgorithm):
        return False


def _check_extensions(csr: x509.CertificateSigningRequest, common_name: str) -> None:
    constraints = parsing.extension(csr.extensions, x509.BasicConstraints)
    usage = parsing.extension(csr.extensions, x509.KeyUsage)
    if (constraints is not None and constraints.ca) or (usage is not None and usage.key_cert_sign):
        raise _refusal("The CSR asks for a CA. Stations get certificates that sign no others.")
    alternatives = parsing.extension(csr.extensions, x509.SubjectAlternativeName)
    if alternatives is not None:
        own = {common_name.casefold()}
        foreign = [name for name in alternatives if str(name.value).casefold() not in own]
        if foreign:
            raise _refusal("The CSR has a subjectAltName other than its common name.")


def _refusal(sentence: str) -> Invalid:
    return Invalid(sentence, field=_FIELD)
