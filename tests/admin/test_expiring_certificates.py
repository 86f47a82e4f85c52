"""The page of expiring certificates, and their number on the dashboard."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from certificates.models import TrustRoot
from chargepoints.models import ChargePoint


def test_the_page_and_the_dashboard_show_what_ends_soon(viewer: Client, station: ChargePoint) -> None:
    now = timezone.now()
    for name, days in (("Soon", 20), ("Late", 90), ("Over", -2)):
        TrustRoot.objects.create(
            name=name,
            kind="csms",
            sha256=name,
            subject=f"CN={name}",
            not_before=now - timedelta(days=100),
            not_after=now + timedelta(days=days),
        )

    page = viewer.get(reverse("admin:certificates-expiring")).content.decode()
    values = viewer.get(reverse("dashboard-live")).json()["values"]

    assert page.index("CN=Over") < page.index("CN=Soon") < page.index("CN=Late")
    assert "3 of 3 certificates." in page
    assert values["expiring_certificates"]["text"] == "2"
    assert values["expiring_certificates"]["tone"] == "warning"
