"""The end of every certificate: the list, the metric and the events."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from certificates import metrics
from certificates.models import (
    CertificateAuthority,
    ExpiryNotice,
    InstalledCertificate,
    IssuedCertificate,
    TrustRoot,
)
from certificates.services.certificates import expiry
from chargepoints.models import ChargePoint
from events.models import Event
from tests.api.conftest import Caller

PATH = "/api/v1/certificates/expiring"


def ends(days: float) -> dict[str, datetime]:
    now = timezone.now()
    return {"not_before": now - timedelta(days=100), "not_after": now + timedelta(days=days, minutes=5)}


@pytest.fixture
def known(garage: ChargePoint) -> dict[str, Any]:
    """A certificate of each kind, and those that are not listed."""
    authority = CertificateAuthority.objects.create(
        name="CA", key_type="ecdsa", key_name="ca", sha256="a" * 64, subject="CN=CA", **ends(400)
    )
    root = TrustRoot.objects.create(name="R", kind="v2g", sha256="b" * 64, subject="CN=Root", **ends(10))
    TrustRoot.objects.create(
        name="Own", kind="csms", sha256="a" * 64, subject="CN=CA", authority=authority, **ends(400)
    )
    TrustRoot.objects.create(
        name="Off", kind="mo", sha256="c" * 64, subject="CN=Off", is_enabled=False, **ends(1)
    )
    issued = IssuedCertificate.objects.create(
        authority=authority,
        charge_point=garage,
        type="ChargingStationCertificate",
        serial="1",
        sha256="d" * 64,
        subject="CN=Garage",
        state="active",
        **ends(20),
    )
    IssuedCertificate.objects.create(
        authority=authority, type="server", serial="2", sha256="e" * 64, state="revoked", **ends(1)
    )
    now = timezone.now()
    common = {"charge_point": garage, "state": "installed", "since": now}
    installed = InstalledCertificate.objects.create(
        type="CSMSRootCertificate",
        subject="CN=Foreign",
        sha256="f" * 64,
        not_after=ends(2)["not_after"],
        algorithm="SHA256",
        **common,
    )
    InstalledCertificate.objects.create(
        type="V2GRootCertificate", root=root, sha256="b" * 64, not_after=root.not_after, **common
    )
    InstalledCertificate.objects.create(type="MORootCertificate", **common)  # not known
    return {"authority": authority, "root": root, "issued": issued, "installed": installed}


def test_every_kind_is_listed_the_first_to_end_first(viewer: Caller, known: dict[str, Any]) -> None:
    data = viewer.get(PATH).info

    assert [(one["kind"], one["subject"], one["days"]) for one in data["certificates"]] == [
        ("installed", "CN=Foreign", 2),
        ("root", "CN=Root", 10),
        ("issued", "CN=Garage", 20),
        ("authority", "CN=CA", 400),
    ]
    assert (data["count"], data["total"]) == (4, 4)
    assert [one["id"] for one in data["certificates"]] == [
        known[kind].pk for kind in ("installed", "root", "issued", "authority")
    ]
    assert [one["clientId"] for one in data["certificates"]] == ["GARAGE 1", "", "GARAGE 1", ""]


def test_the_list_is_filtered(viewer: Caller, known: dict[str, Any]) -> None:
    before = (timezone.now() + timedelta(days=15)).strftime("%Y-%m-%dT%H:%M:%SZ")

    soon = viewer.get(f"{PATH}?expiresBefore={before}").info
    roots = viewer.get(f"{PATH}?kind=root").info

    assert [one["kind"] for one in soon["certificates"]] == ["installed", "root"]
    assert [one["subject"] for one in roots["certificates"]] == ["CN=Root"]
    assert viewer.get(f"{PATH}?kind=all").status_code == 400


def test_the_metric_has_the_first_end_of_each_type(known: dict[str, Any]) -> None:
    found = {labels: round(days) for labels, days in metrics.figures()["expiry"]}

    assert found == {
        ("authority", "stations"): 400,
        ("root", "v2g"): 10,
        ("issued", "ChargingStationCertificate"): 20,
        ("installed", "CSMSRootCertificate"): 2,
    }


def test_each_distance_is_announced_once(known: dict[str, Any]) -> None:
    def events() -> list[tuple[str, int, int]]:
        rows = Event.objects.filter(type="certificate.expiring").order_by("id")
        found = [json.loads(row.data) if isinstance(row.data, str) else row.data for row in rows]
        return [(one["subject"], one["days"], one["stations"]) for one in found]

    expiry.announce()
    expiry.announce()

    assert sorted(events()) == [("CN=Foreign", 3, 1), ("CN=Garage", 30, 0), ("CN=Root", 14, 1)]
    known["root"].not_after = timezone.now() + timedelta(days=2)
    known["root"].save()
    expiry.announce()
    expiry.announce()
    assert events()[-1] == ("CN=Root", 3, 1)
    assert len(events()) == 4


def test_notices_of_ended_certificates_are_deleted(known: dict[str, Any]) -> None:
    expiry.announce()
    ExpiryNotice.objects.update(not_after=timezone.now() - expiry.ENDED_SHOWN - timedelta(hours=1))
    known["installed"].delete()

    TrustRoot.objects.all().delete()
    IssuedCertificate.objects.all().delete()
    expiry.announce()

    assert not ExpiryNotice.objects.exists()
