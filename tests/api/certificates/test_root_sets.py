"""Root sets over REST: the stations they are for, and desired against reported."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from certificates.models import CertificateInventory, InstalledCertificate, RootSet, TrustRoot
from certificates.services.certificates import root_sets, roots
from certificates.services.certificates.root_sets import Wanted
from chargepoints.models import ChargePoint, Site
from ocpp_server.pki import parsing
from tests.api.conftest import Caller
from tests.unit.pki.made import make

SETS = "/api/v1/certificates/root-sets"
CSMS = "CSMSRootCertificate"


def a_root(name: str = "Root", kind: str = "csms") -> TrustRoot:
    return roots.add(kind=kind, certificate=parsing.pem_of(make(name, is_ca=True).certificate))


def a_station(identity: str, **columns: Any) -> ChargePoint:
    return ChargePoint.objects.create(identity=identity, ocpp_version="ocpp2.0.1", **columns)


def installed(station: ChargePoint, root: TrustRoot, state: str = "installed") -> InstalledCertificate:
    return InstalledCertificate.objects.create(
        charge_point=station, type=CSMS, state=state, root=root, since=datetime.now(UTC)
    )


def listed(station: ChargePoint, *types: str) -> None:
    reported = dict.fromkeys(types or (CSMS,), datetime.now(UTC).isoformat())
    CertificateInventory.objects.create(charge_point=station, reported=reported)


@pytest.fixture
def root(db: None) -> TrustRoot:
    return a_root()


def test_a_set_is_created_changed_and_deleted(administrator: Caller, root: TrustRoot) -> None:
    site, other = Site.objects.create(name="Yard"), a_root("Other")
    made = administrator.post(SETS, {"name": " Yard ", "rootIds": [root.pk], "siteId": site.pk})

    assert (made.status_code, made["Location"]) == (201, f"{SETS}/{made.info['id']}")
    assert (made.info["name"], made.info["rootIds"], made.info["siteId"]) == ("Yard", [root.pk], site.pk)
    changed = administrator.patch(
        made["Location"], {"rootIds": [other.pk], "siteId": None, "model": "M", "isEnabled": False}
    )
    assert (changed.info["rootIds"], changed.info["siteId"], changed.info["model"]) == ([other.pk], None, "M")
    assert administrator.delete(made["Location"]).status_code == 200
    assert not RootSet.objects.exists()


def test_operators_read_only(operator: Caller, root: TrustRoot) -> None:
    made = root_sets.create(name="Yard", roots=[root])

    assert operator.get(f"{SETS}/{made.pk}").status_code == 200
    assert operator.post(SETS, {"name": "A", "rootIds": [root.pk]}).status_code == 403
    assert operator.patch(f"{SETS}/{made.pk}", {"name": "A"}).status_code == 403
    assert operator.delete(f"{SETS}/{made.pk}").status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "name"),
        ({"rootIds": []}, "rootIds"),
        ({"rootIds": [999_999]}, "rootIds"),
        ({"siteId": 999_999}, "siteId"),
        ({"vendor": "Acme"}, "model"),
    ],
)
def test_bad_settings_are_400_with_their_field(
    administrator: Caller, root: TrustRoot, body: dict[str, Any], field: str
) -> None:
    answer = administrator.post(SETS, {"name": "A", "rootIds": [root.pk], **body})

    assert (answer.status_code, answer.info["errors"][0]["field"]) == (400, field)


def test_the_coverage_counts_the_stations_of_the_set(administrator: Caller, root: TrustRoot) -> None:
    has, lacks, silent = (a_station(name, model="M") for name in ("HAS", "LACKS", "SILENT"))
    accepts, other = a_station("ACCEPTS", model="M"), a_station("OTHER", model="N")
    rejected = a_station("REJECTED", model="M", registration_status="Rejected")
    made = root_sets.create(name="M", roots=[root], model="M")
    installed(has, root)
    installed(accepts, root, "accepted")
    for station in (has, lacks, accepts):
        listed(station)
    listed(silent, "V2GRootCertificate")

    (one,) = administrator.get(f"{SETS}/{made.pk}/coverage").info["roots"]

    assert {name: one[name] for name in ("stations", "installed", "missing", "unknown")} == {
        "stations": 4,
        "installed": 1,
        "missing": 2,
        "unknown": 1,
    }
    assert one["sentence"] == ("Root: 3 of 4 stations don't know it; 1 of them have not listed their roots.")
    assert [wanted.state for wanted in root_sets.of_station(accepts)] == [Wanted.ACCEPTED]
    assert [wanted.state for wanted in root_sets.of_station(silent)] == [Wanted.UNKNOWN]
    assert root_sets.of_station(other) == []
    assert rejected not in root_sets.lacking(made)


def test_the_sets_of_a_station(administrator: Caller, root: TrustRoot) -> None:
    """A root of two sets is wanted once; disabled sets, disabled roots and other stations do not count."""
    site = Site.objects.create(name="Yard")
    station = a_station("CP", vendor="Acme", model="M", site=site)
    vehicles, off, oem = a_root("V2G", "v2g"), a_root("Off"), a_root("OEM", "oem")
    roots.change(off, is_enabled=False)
    root_sets.create(name="a all", roots=[root, off])
    root_sets.create(name="b site", roots=[root, vehicles], site=site)
    root_sets.create(name="c model", roots=[oem], vendor="Acme", model="M")
    root_sets.create(name="d disabled", roots=[a_root("D")], is_enabled=False)
    root_sets.create(name="e other vendor", roots=[a_root("E")], vendor="Bolt", model="M")
    root_sets.create(name="f other site", roots=[a_root("F")], site=Site.objects.create(name="Depot"))
    listed(station, "V2GRootCertificate")

    found = administrator.get("/api/v1/chargepoints/CP/wanted-roots").info["wanted_roots"]

    assert [(one["name"], one["state"]) for one in found] == [
        ("Root", "unknown"),
        ("V2G", "missing"),
        ("OEM", "not-supported"),  # 2.0.1 has no OEMRootCertificate
    ]


def test_a_set_keeps_its_roots_from_being_deleted(administrator: Caller, root: TrustRoot) -> None:
    root_sets.create(name="Yard", roots=[root])

    answer = administrator.delete(f"/api/v1/certificates/roots/{root.pk}")

    assert (answer.status_code, answer.info["code"]) == (409, "in-use")
