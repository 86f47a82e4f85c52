"""The roots of manufacturers, at the upload of a signed firmware."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certificates.services.certificates import roots
from chargepoints.models import FirmwareFile
from chargepoints.services.firmware import files
from ocpp_server.domain import Invalid
from ocpp_server.pki import parsing
from tests.unit.pki.made import Made, make

CONTENT = b"firmware"


def add(signer: Made) -> FirmwareFile:
    signature = base64.b64encode(signer.key.sign(CONTENT, ec.ECDSA(hashes.SHA256()))).decode()
    facts = files.Facts(
        name="Wall",
        version="1",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        signature=signature,
        signing_certificate=parsing.pem_of(signer.certificate),
    )
    return files.add_external(facts, url="https://files.example.com/1.bin", actor="ann")


def test_a_firmware_must_be_signed_below_an_enabled_root(db: Any) -> None:
    root = make("Manufacturer", is_ca=True)
    good, other = make("Firmware", by=root), make("Firmware", by=make("Other", is_ca=True))

    assert add(other).verified  # without a root, the signature alone is checked
    row = roots.add(kind="manufacturer", certificate=parsing.pem_of(root.certificate))
    assert add(good).verified
    with pytest.raises(Invalid, match="no trusted root of a manufacturer") as caught:
        add(other)
    assert caught.value.field == "signingCertificate"
    roots.change(row, is_enabled=False)
    assert add(other).verified
