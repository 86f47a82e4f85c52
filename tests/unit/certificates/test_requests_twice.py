"""A SignCertificate that the journal writes twice, as the connection was lost at its commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certificates.models import SigningRequest
from chargepoints.models import ChargePoint
from tests.unit.certificates.csrs import csr
from tests.unit.certificates.test_requesting import STATION, charger, received

pytestmark = pytest.mark.django_db
__all__ = ["charger"]


@pytest.mark.parametrize("name", ["SN1", "SN2"])
def test_a_message_that_is_written_twice_has_the_same_verdict(charger: ChargePoint, name: str) -> None:
    now, pem = datetime.now(UTC), csr(name)
    first = received(charger, pem, at=now)

    assert received(charger, pem, at=now) == first
    assert SigningRequest.objects.count() == 1


@pytest.mark.parametrize("kind", [STATION, "UnknownCertificate"])
def test_a_message_that_is_written_twice_adds_one_row_also_when_its_csr_is_unreadable(
    charger: ChargePoint, settings: Any, kind: str
) -> None:
    settings.CERTIFICATE_REQUESTS_PER_HOUR = 1
    now = datetime.now(UTC)
    first = received(charger, "no\x00 PEM", type=kind, at=now)

    assert received(charger, "no\x00 PEM", type=kind, at=now) == first
    assert (first.is_accepted, first.reason_code) == (False, "InvalidCSR")
    assert SigningRequest.objects.count() == 1
    # The same text in a later message is another request, and another text at this moment too.
    later = now + timedelta(seconds=1)
    for pem, at in (("no\x00 PEM", later), ("no other PEM", now)):
        assert received(charger, pem, type=kind, at=at).reason_code == "TooManyRequests"
