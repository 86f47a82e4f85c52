"""The findings about the certificates that a station needs for the security profiles 2 and 3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from certificates.models import (
    CertificateAuthority,
    CertificateInventory,
    InstalledCertificate,
    IssuedCertificate,
    TrustRoot,
)
from certificates.services.certificates import profiles
from chargepoints.models import ChargePoint
from chargepoints.services.provisioning import trust
from ocpp_server.pki import parsing
from tests.unit.pki.made import Made, make

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
ROOT, STRANGER = make("Root", is_ca=True), make("Another root", is_ca=True)
CA = make("CA", by=ROOT, is_ca=True)
SERVER = make("csms.example", by=CA)
CSMS = InstalledCertificate.Type.CSMS


@pytest.fixture
def station() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


@pytest.fixture(autouse=True)
def own(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    path.write_text(parsing.pem_of(SERVER.certificate, CA.certificate))
    settings.TLS_CERT, settings.TLS_SECOND_CERT = path, None


def listed(station: ChargePoint, *installed: Made | None) -> None:
    """The station has reported these roots; None is one that this server does not know."""
    CertificateInventory.objects.create(charge_point=station, reported={CSMS: NOW.isoformat()})
    for number, one in enumerate(installed):
        InstalledCertificate.objects.create(
            charge_point=station, type=CSMS, state="installed", since=NOW, algorithm="SHA256",
            serial=str(number), certificate="" if one is None else parsing.pem_of(one.certificate),
        )  # fmt: skip


def test_the_app_fills_the_port() -> None:
    assert trust.port.app is profiles  # type: ignore[comparison-overlap]


def test_nothing_is_known_before_the_station_has_reported_its_roots(station: ChargePoint) -> None:
    assert profiles.trusts_server(station.pk) is None


@pytest.mark.parametrize(
    ("installed", "trusts"),
    [
        ((ROOT,), True),
        ((STRANGER, None, ROOT), True),
        ((SERVER,), True),  # as a station with a self-signed certificate has it
        ((STRANGER,), False),
        ((), False),
        ((STRANGER, None), None),  # the unknown one may be the right one
    ],
)
def test_a_root_of_the_station_leads_to_the_certificate_of_the_server(
    station: ChargePoint, installed: tuple[Made | None, ...], trusts: bool | None
) -> None:
    listed(station, *installed)

    assert profiles.trusts_server(station.pk) is trusts


def test_a_root_of_this_server_counts_and_one_that_was_deleted_does_not(station: ChargePoint) -> None:
    listed(station, None)
    pem = parsing.pem_of(ROOT.certificate)
    known = TrustRoot.objects.create(
        name="Root", kind="csms", certificate=pem, subject="CN=Root",
        sha256=parsing.sha256(ROOT.certificate), not_before=NOW, not_after=NOW,
    )  # fmt: skip
    InstalledCertificate.objects.update(root=known)
    before = profiles.trusts_server(station.pk)
    InstalledCertificate.objects.update(state="deleted", ended_at=NOW)

    assert (before, profiles.trusts_server(station.pk)) == (True, False)


def test_behind_a_proxy_and_with_a_damaged_file_nothing_is_known(
    settings: Any, station: ChargePoint, tmp_path: Path
) -> None:
    listed(station, ROOT)
    settings.TLS_CERT.write_text("no certificate")
    damaged = profiles.trusts_server(station.pk)
    settings.TLS_CERT = None

    assert (damaged, profiles.trusts_server(station.pk)) == (None, None)


@pytest.mark.parametrize(
    ("state", "type", "days", "has"),
    [
        ("active", "ChargingStationCertificate", (-1, 1), True),
        ("installed", "ChargingStationCertificate", (-1, 1), True),
        ("issued", "ChargingStationCertificate", (-1, 1), None),
        ("revoked", "ChargingStationCertificate", (-1, 1), None),
        ("active", "ChargingStationCertificate", (-2, -1), None),
        ("active", "ChargingStationCertificate", (1, 2), None),
        ("active", "V2GCertificate", (-1, 1), None),
    ],
)
def test_a_valid_certificate_of_a_CA_of_ours(
    station: ChargePoint, *, state: str, type: str, days: tuple[int, int], has: bool | None
) -> None:
    authority = CertificateAuthority.objects.create(
        name="CA", certificate="x", subject="CN=CA", not_before=NOW, not_after=NOW
    )
    first, last = (NOW + timedelta(days=number) for number in days)
    IssuedCertificate.objects.create(
        authority=authority, charge_point=station, type=type, serial="1", sha256="a", subject="CN=CP-1",
        certificate="x", state=state, not_before=first, not_after=last,
    )  # fmt: skip

    assert profiles.has_certificate(station.pk) is has
