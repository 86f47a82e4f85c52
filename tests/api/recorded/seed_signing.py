"""The rows of certificates that a scenario finds: CAs without a signer, a certificate, and two requests."""

from __future__ import annotations

from datetime import timedelta

from certificates.models import CertificateAuthority, IssuedCertificate, SigningRequest
from chargepoints.models import ChargePoint
from tests.api.conftest import NOON
from tests.api.recorded.scenario.revocations import ROOT

# The scenario revokes a certificate: it must not have ended by then.
_LONG = timedelta(days=36500)


def plant(alias: str, station: ChargePoint) -> None:
    """Store the rows in the database of this alias."""
    ends = {"not_before": NOON, "not_after": NOON + _LONG}
    root = None
    for number, name in ((1, "Acme Root"), (2, "Acme Issuing RSA")):
        root = CertificateAuthority.objects.using(alias).create(
            id=number,
            name=name,
            parent=root,
            key_type="rsa",
            key_name=f"key-{number}",
            certificate=ROOT,
            sha256=f"{number:064x}",
            subject=f"CN={name},O=Acme",
            **ends,
        )
    IssuedCertificate.objects.using(alias).create(
        id=1,
        authority=root,
        charge_point=station,
        type=IssuedCertificate.Type.STATION,
        serial="3fa1",
        sha256=f"{3:064x}",
        subject="CN=SN1,O=Acme",
        certificate=ROOT,
        chain=ROOT,
        **ends,
    )
    # A station that the scenario connects; its certificate is signed.
    online = ChargePoint.objects.using(alias).create(identity="REC-CA-16", registration_status="Accepted")
    signed = IssuedCertificate.objects.using(alias).create(
        id=2,
        authority=root,
        charge_point=online,
        type=IssuedCertificate.Type.STATION,
        serial="3fa2",
        sha256=f"{4:064x}",
        subject="CN=REC-CA-16,O=Acme",
        certificate=ROOT,
        chain=ROOT,
        **ends,
    )
    SigningRequest.objects.using(alias).create(
        id=3,
        charge_point=online,
        type=IssuedCertificate.Type.STATION,
        csr="-----BEGIN CERTIFICATE REQUEST-----\nMII\n-----END CERTIFICATE REQUEST-----\n",
        state="signed",
        certificate=signed,
        created_at=NOON,
        updated_at=NOON,
    )
    for number in (1, 2):
        SigningRequest.objects.using(alias).create(
            id=number,
            charge_point=station,
            type=IssuedCertificate.Type.STATION,
            csr="-----BEGIN CERTIFICATE REQUEST-----\nMII\n-----END CERTIFICATE REQUEST-----\n",
            digest=f"{number:064x}",
            key_sha256=f"{number:064x}",
            common_name="SN1",
            authority=root,
            created_at=NOON,
            updated_at=NOON,
        )
