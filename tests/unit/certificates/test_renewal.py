"""Renewal: the stations that are asked for a new CSR before their certificate ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from certificates.models import IssuedCertificate, SigningRequest
from certificates.services.certificates import renewal
from certificates.signing.keys import KeyFiles
from chargepoints.models import ChargePoint
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.certificates.csrs import csr
from tests.unit.certificates.test_life import charger, issued, states, used
from tests.unit.certificates.test_requesting import received

pytestmark = pytest.mark.django_db
__all__ = ["charger"]


@pytest.fixture
def ending(cas: KeyFiles, charger: ChargePoint, settings: Any) -> IssuedCertificate:
    """A certificate in use, of a station that is online. It ends in 365 days."""
    settings.CERTIFICATE_RENEWAL = 30 * 86400
    row = issued(cas, charger)
    used(row)
    ChargePoint.objects.update(is_online=True)
    row.refresh_from_db()
    return row


def before(row: IssuedCertificate, days: float) -> datetime:
    return row.not_after - timedelta(days=days)


def due(at: datetime) -> list[int]:
    return [pk for pk, _station in renewal._due(at)]


def test_a_certificate_that_ends_soon_is_renewed(ending: IssuedCertificate) -> None:
    assert due(before(ending, 31)) == []
    assert due(before(ending, 29)) == [ending.pk]
    assert due(before(ending, -1)) == []


def test_a_station_that_is_away_or_has_asked_is_not_asked(
    ending: IssuedCertificate, charger: ChargePoint
) -> None:
    ChargePoint.objects.update(is_online=False)
    assert due(before(ending, 29)) == []
    ChargePoint.objects.update(is_online=True)

    received(charger, csr("CP-1"))
    assert due(before(ending, 29)) == []
    SigningRequest.objects.filter(state="approved").update(state="rejected")
    assert due(before(ending, 29)) == [ending.pk]


def test_the_certificate_before_the_newest_is_not_renewed(
    cas: KeyFiles, ending: IssuedCertificate, charger: ChargePoint
) -> None:
    newer = issued(cas, charger)
    at = before(ending, 29)
    assert states(ending, newer) == ["active", "installed"]

    assert due(at) == [newer.pk]


def test_a_station_is_asked_once_a_day(ending: IssuedCertificate) -> None:
    assert renewal._asked(ending.pk) == "ChargingStationCertificate"

    ending.refresh_from_db()
    IssuedCertificate.objects.update(renewal_asked_at=before(ending, 29))
    assert due(before(ending, 28.5)) == []
    assert due(before(ending, 27.9)) == [ending.pk]


@pytest.mark.parametrize(
    ("version", "type", "message"),
    [
        (V16, "ChargingStationCertificate", "SignChargePointCertificate"),
        (V201, "ChargingStationCertificate", "SignChargingStationCertificate"),
        (V201, "V2GCertificate", "SignV2GCertificate"),
        (V21, "V2G20Certificate", "SignV2G20Certificate"),
    ],
)
def test_each_type_has_its_trigger(version: str, type: str, message: str) -> None:
    assert renewal.trigger_for(version, type) == message
