"""The roots of manufacturers: this module fills the port `ManufacturerRoots`."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from certificates.models import TrustRoot
from certificates.services.certificates import roots


def certificates() -> Sequence[x509.Certificate]:
    """The enabled roots. Uses the database."""
    return roots.of_kind(TrustRoot.Kind.MANUFACTURER)
