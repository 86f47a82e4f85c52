"""CAs, the roots that stations or this server trust, and the certificates that our CAs have issued."""

from certificates.models.authority import CertificateAuthority
from certificates.models.issued import IssuedCertificate
from certificates.models.revocation import RevocationList, RevokedCertificate
from certificates.models.trust_root import TrustRoot

__all__ = [
    "CertificateAuthority",
    "IssuedCertificate",
    "RevocationList",
    "RevokedCertificate",
    "TrustRoot",
]
