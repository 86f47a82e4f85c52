"""Trusted roots in the admin, and the certificates of a station on its page."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from certificates.models import InstalledCertificate, TrustRoot
from certificates.services.certificates import roots
from chargepoints.models import ChargePoint
from ocpp_server.pki import parsing
from tests.unit.pki.made import Made, make

ADD = "admin:certificates_trustroot_add"


def pem(made: Made) -> str:
    return parsing.pem_of(made.certificate)


def test_a_root_is_added_and_changed_by_an_administrator(superuser: Client) -> None:
    made = make("Yard Root", is_ca=True)
    form = {"name": "", "kind": "csms", "certificate": pem(made), "is_enabled": "on"}

    response = superuser.post(reverse(ADD), form)

    root = TrustRoot.objects.get()
    assert (response.status_code, root.name, root.sha256) == (
        302,
        "Yard Root",
        parsing.sha256(made.certificate),
    )
    again = superuser.post(reverse(ADD), form)
    assert "is a root of this kind already" in again.content.decode()
    page = reverse("admin:certificates_trustroot_change", args=[root.pk])
    wrong = superuser.post(page, {"name": "New", "cross_signed": "x"})
    assert "BEGIN CERTIFICATE" in wrong.content.decode()
    assert superuser.post(page, {"name": "New", "cross_signed": ""}).status_code == 302
    root.refresh_from_db()
    assert (root.name, root.is_enabled, root.certificate) == ("New", False, pem(made))


def test_a_bad_root_is_refused_at_its_field(superuser: Client) -> None:
    form = {"name": "", "kind": "csms", "certificate": pem(make("Leaf")), "is_enabled": "on"}

    response = superuser.post(reverse(ADD), form)

    assert (response.status_code, TrustRoot.objects.count()) == (200, 0)
    assert list(response.context["adminform"].form.errors) == ["certificate"]


def test_the_page_of_a_station_shows_its_certificates(viewer: Client, station: ChargePoint) -> None:
    now = timezone.now()
    root = roots.add(kind="csms", certificate=pem(make("Yard Root", is_ca=True)))
    for number, (state, days) in enumerate((("installed", 90), ("installed", 10), ("installed", -1))):
        InstalledCertificate.objects.create(
            charge_point=station,
            type="CSMSRootCertificate",
            state=state,
            algorithm="SHA256",
            serial=str(number),
            root=root,
            subject=f"CN=Root {number}",
            not_after=now + timedelta(days=days),
            since=now,
            reported_at=now,
        )

    rows = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["certificates"]

    assert [row[1]["text"] for row in rows] == ["CN=Root 2", "CN=Root 1", "CN=Root 0"]
    assert [row[4].get("tone", "") for row in rows] == ["danger", "warning", ""]
