"""CAs, the roots that stations or this server trust, the wishes for certificates, and those that were
issued.
"""

from certificates.models.authority import CertificateAuthority
from certificates.models.authority_request import AuthorityRequest
from certificates.models.issued import IssuedCertificate
from certificates.models.revocation import RevocationList, RevokedCertificate
from certificates.models.expiry_notice import ExpiryNotice
from certificates.models.installed import CertificateInventory, InstalledCertificate
from certificates.models.issued import IssuedCertificate
from certificates.models.root_set import RootSet
from certificates.models.trust_root import TrustRoot

__all__ = [
    "CertificateAuthority",
    "IssuedCertificate",
    "RevocationList",
    "RevokedCertificate",
from certificates.models.signing_request import SigningRequest
from certificates.models.trust_root import TrustRoot

__all__ = [
    "AuthorityRequest",
    "CertificateAuthority",
    "IssuedCertificate",
    "SigningRequest",
    "CertificateInventory",
    "ExpiryNotice",
    "InstalledCertificate",
    "IssuedCertificate",
    "RootSet",
    "TrustRoot",
]
from certificates.models.ocsp_response import OcspResponse
from certificates.models.trust_root import TrustRoot

__all__ = ["CertificateAuthority", "IssuedCertificate", "OcspResponse", "TrustRoot"]
