"""Vehicles with a contract certificate (Plug & Charge, ISO 15118)."""

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from simulator import pki
from simulator.pki import Certificate

SCHEMA_2, SCHEMA_20 = "urn:iso:15118:2:2013:MsgDef", "urn:iso:std:iso:15118:-20:CommonMessages"


@dataclass
class Vehicle:
    """A vehicle with a contract. ``chain`` is the leaf and its CAs without the root; ``root`` is the root of
    the contract, which a station needs for the hash data of the topmost CA; ``responder`` is the OCSP
    responder for certificates that name none.
    """

    chain: tuple[Certificate, ...]
    root: Certificate | None = None
    responder: str = ""
    # The answers to its requests for a contract certificate (EXI in base64, which the station passes on).
    installed: list[str] = field(default_factory=list)

    @property
    def emaid(self) -> str:
        """The eMAID: the common name of the contract certificate."""
        names = self.chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""

    @property
    def pem(self) -> str:
        return pki.pem_of(self.chain)

    def hash_data(
        self, roots: list[Certificate] | None = None, algorithm: str = "SHA256"
    ) -> list[dict[str, str]]:
        """Return the OCSPRequestData of the leaf and its CAs. An item without its issuer or without a
        responder is left out.
        """
        known = [*([self.root] if self.root else []), *(roots or [])]
        items = []
        for certificate in self.chain:
            issuers = [*self.chain, *known]
            issuer = next((one for one in issuers if one.subject == certificate.issuer), None)
            url = responder_of(certificate) or self.responder
            if issuer is not None and url:
                items.append(pki.hash_data(certificate, issuer, algorithm) | {"responderURL": url})
        return items


def responder_of(certificate: Certificate) -> str:
    """Return the URL of the OCSP responder that a certificate names; "" for none."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ""
    urls = [one for one in access if one.access_method == AuthorityInformationAccessOID.OCSP]
    return str(urls[0].access_location.value) if urls else ""
