"""The plan for a new CSMS root: which stations know it, and what comes next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from certificates.models import CertificateInventory, InstalledCertificate, TrustRoot
from certificates.services.certificates import roots
from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from ocpp_server.pki import parsing
from tests.api.conftest import Caller
from tests.unit.pki.made import Made, make

CSMS = "CSMSRootCertificate"
OLD, NEW = make("Old root", is_ca=True), make("New root", is_ca=True)


def pem(made: Made) -> str:
    return parsing.pem_of(made.certificate)


@pytest.fixture
def old(db: Any) -> TrustRoot:
    return roots.add(kind="csms", certificate=pem(OLD))


@pytest.fixture
def new(db: Any) -> TrustRoot:
    return roots.add(kind="csms", certificate=pem(NEW))


def a_station(identity: str, *known: TrustRoot, profile: int = 2, **columns: Any) -> ChargePoint:
    station = ChargePoint.objects.create(
        identity=identity, ocpp_version="ocpp2.0.1", security_profile=profile, **columns
    )
    for number, root in enumerate(known):
        InstalledCertificate.objects.create(
            charge_point=station,
            type=CSMS,
            state="installed",
            root=root,
            algorithm="SHA256",
            serial=str(number),
            since=datetime.now(UTC),
        )
    if known:
        reported = {CSMS: datetime.now(UTC).isoformat()}
        CertificateInventory.objects.create(charge_point=station, reported=reported)
    return station


def test_the_plan_names_the_stations_that_do_not_know_the_root(
    viewer: Caller, old: TrustRoot, new: TrustRoot
) -> None:
    a_station("KNOWS", old, new)
    strict = a_station("STRICT", old)
    a_station("SILENT", profile=3)
    a_station("PLAIN", profile=1)
    a_station("REJECTED", registration_status="Rejected")
    ReportedKey.objects.create(
        charge_point=strict,
        key="SecurityCtrlr.AdditionalRootCertificateCheck",
        value="True",
        reported_at=datetime.now(UTC),
    )

    plan = viewer.get(f"/api/v1/certificates/roots/{new.pk}/rotation").info

    assert (plan["stations"], plan["known"], plan["isReady"]) == (3, 1, False)
    assert [(one["clientId"], one["hasListed"], one["needsCrossSigned"]) for one in plan["lacking"]] == [
        ("SILENT", False, False),
        ("STRICT", True, True),
    ]
    assert [(one["name"], one["stations"]) for one in plan["otherRoots"]] == [("Old root", 2)]
    assert [step.partition(":")[0] for step in plan["steps"]] == [
        "Add the cross-signed form of the root",
        "Install the root",
        "Keep the certificate of this server below the old root until then.",
    ]
    assert "2 of 3 stations don't know the new root" in plan["steps"][1]
    crossed = make("New root", by=OLD, key=NEW.key, is_ca=True)
    roots.change(new, cross_signed=pem(crossed))
    plan = viewer.get(f"/api/v1/certificates/roots/{new.pk}/rotation").info
    assert plan["steps"][0].startswith("Install the root")


def test_when_all_know_it_the_old_root_may_go(viewer: Caller, old: TrustRoot, new: TrustRoot) -> None:
    a_station("ONE", old, new)
    a_station("TWO", new)

    plan = viewer.get(f"/api/v1/certificates/roots/{new.pk}/rotation").info

    assert (plan["stations"], plan["known"], plan["isReady"], plan["lacking"]) == (2, 2, True, [])
    assert plan["steps"] == [
        "All stations know the root: this server may use a certificate below it.",
        "Later delete Old root from the 1 stations that know it.",
    ]


def test_a_disabled_root_is_enabled_first(viewer: Caller, new: TrustRoot) -> None:
    a_station("ONE")
    roots.change(new, is_enabled=False)

    plan = viewer.get(f"/api/v1/certificates/roots/{new.pk}/rotation").info

    assert plan["steps"][0] == "Enable the root: no station gets a disabled one."


def test_a_root_of_vehicles_has_no_plan(viewer: Caller) -> None:
    root = roots.add(kind="v2g", certificate=pem(NEW))

    assert viewer.get(f"/api/v1/certificates/roots/{root.pk}/rotation").status_code == 409


def test_the_page_of_a_root_shows_the_plan(new: TrustRoot) -> None:
    a_station("<b>SILENT</b>")
    client = Client()
    client.force_login(User.objects.create_user("v", is_staff=True, role="viewer"))

    page = client.get(reverse("admin:certificates_trustroot_change", args=[new.pk])).content.decode()

    assert "1 of 1 stations don&#x27;t know the new root" in page
    assert "&lt;b&gt;SILENT&lt;/b&gt;" in page and "<b>SILENT" not in page
