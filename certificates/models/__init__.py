"""CAs and their signing requests, roots that are trusted, certificates that were issued or are installed, and
what is known of revocations.
"""

from certificates.models.authority import CertificateAuthority
from certificates.models.authority_request import AuthorityRequest
from certificates.models.expiry_notice import ExpiryNotice
from certificates.models.installed import CertificateInventory, InstalledCertificate
from certificates.models.issued import IssuedCertificate
from certificates.models.ocsp_response import OcspResponse
from certificates.models.revocation import RevocationList, RevokedCertificate
from certificates.models.root_set import RootSet
from certificates.models.signing_request import SigningRequest
from certificates.models.trust_root import TrustRoot

__all__ = [
    "AuthorityRequest",
    "CertificateAuthority",
    "CertificateInventory",
    "ExpiryNotice",
    "InstalledCertificate",
    "IssuedCertificate",
    "OcspResponse",
    "RevocationList",
    "RevokedCertificate",
    "RootSet",
    "SigningRequest",
    "TrustRoot",
]
