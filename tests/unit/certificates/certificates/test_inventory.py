"""The certificates of a station by its answers: the rows, and when its list is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certificates import jobs
from certificates.models import CertificateInventory, InstalledCertificate, IssuedCertificate
from certificates.models.authority import CertificateAuthority
from certificates.services.certificates import inventory, refreshing, removing, roots
from chargepoints.models import ChargePoint
from ocpp_server.domain import Conflict, Invalid, Missing
from ocpp_server.pki import hash_data, parsing
from ocpp_server.protocol.translate.installed_certificates import (
    CHAIN,
    CSMS,
    MANUFACTURER,
    V2G,
    Chain,
    Listing,
)
from ocpp_server.protocol.versions import V16, V201
from tests.unit.pki.made import Made, make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ROOT = make("Root", is_ca=True)


@pytest.fixture
def charger() -> ChargePoint:
    return ChargePoint.objects.create(
        identity="CP-1", ocpp_version=V201, is_online=True, registration_status="Accepted"
    )


def wire(made: Made, issuer: Made | None = None, algorithm: str = "SHA256") -> dict[str, str]:
    return hash_data.of(made.certificate, (issuer or made).certificate, algorithm).wire()


def lists(
    charger: ChargePoint,
    *chains: Chain,
    types: Iterable[str] = (CSMS,),
    version: str = V201,
    at: datetime = NOW,
) -> list[InstalledCertificate]:
    """The rows after the station has listed these."""
    listing = Listing(frozenset(types), chains)
    inventory.listed(charger.pk, listing, version=version, at=at)
    return list(InstalledCertificate.objects.filter(charge_point=charger).order_by("pk"))


def install(charger: ChargePoint, made: Made = ROOT, *, is_accepted: bool = True, **more: Any) -> None:
    given: dict[str, Any] = {"type_": CSMS, "reason": "", "command_id": "", "at": NOW} | more
    pem = parsing.pem_of(made.certificate)
    inventory.installed(charger.pk, pem=pem, is_accepted=is_accepted, **given)


# -- lists ---------------------------------------------------------------------------------------------------


def test_an_accepted_certificate_becomes_the_listed_one(charger: ChargePoint) -> None:
    install(charger)
    install(charger)  # the same one again replaces itself (M05.FR.17)

    (row,) = lists(charger, Chain(CSMS, wire(ROOT, algorithm="SHA512")), at=NOW + timedelta(seconds=1))

    assert (row.state, row.algorithm, row.reported_at) == ("installed", "SHA512", NOW + timedelta(seconds=1))
    assert row.sha256 == parsing.sha256(ROOT.certificate)
    assert (row.root, row.certificate) == (None, parsing.pem_of(ROOT.certificate))


def test_an_accepted_certificate_that_is_not_in_the_list_is_missing(charger: ChargePoint) -> None:
    install(charger)

    (row,) = lists(charger)

    assert (row.state, row.reason) == ("missing", "Accepted, but not in the station's list.")
    assert row.ended_at == NOW


def test_a_list_ends_only_the_types_that_were_asked_for(charger: ChargePoint) -> None:
    lists(charger, Chain(CSMS, wire(ROOT)), Chain(V2G, wire(ROOT)), types=(CSMS, V2G))

    first, second = lists(charger, types=(V2G,))

    assert [(row.type, row.state) for row in (first, second)] == [(CSMS, "installed"), (V2G, "missing")]


def test_a_certificate_that_was_not_asked_for_is_stored_and_an_unknown_type_is_not(
    charger: ChargePoint,
) -> None:
    rows = lists(charger, Chain(V2G, wire(ROOT)), Chain("VendorRoot", wire(ROOT)), types=(CSMS,))

    assert [(row.type, row.state) for row in rows] == [(V2G, "installed")]


def test_the_spelling_of_the_station_changes_nothing(charger: ChargePoint) -> None:
    plain = wire(ROOT)
    spelled = {
        name: f"0{value}".upper() if name == "serialNumber" else value for name, value in plain.items()
    }

    lists(charger, Chain(CSMS, plain), Chain(CSMS, spelled))
    (row,) = lists(charger, Chain(CSMS, spelled))

    assert row.reported == spelled


def test_a_station_that_hashes_the_whole_key_has_an_unknown_certificate(charger: ChargePoint) -> None:
    roots.add(kind="csms", certificate=parsing.pem_of(ROOT.certificate))

    (row,) = lists(charger, Chain(CSMS, {**wire(ROOT), "issuerKeyHash": "f" * 64}))

    assert (row.root, row.is_known, row.state) == (None, False, "installed")


def test_a_root_that_was_added_later_is_found_by_the_next_list(charger: ChargePoint) -> None:
    install(charger)
    root = roots.add(kind="v2g", certificate=parsing.pem_of(ROOT.certificate))

    (row,) = lists(charger, Chain(CSMS, wire(ROOT)))

    assert (row.root, row.certificate) == (root, "")


def test_texts_that_are_too_long_are_cut(charger: ChargePoint) -> None:
    data = {
        "hashAlgorithm": "SHA256" * 9,
        "issuerNameHash": "a" * 300,
        "issuerKeyHash": "b" * 300,
        "serialNumber": "1" * 300,
    }

    (row,) = lists(charger, Chain(CSMS, data))
    (again,) = lists(charger, Chain(CSMS, data))

    assert row.pk == again.pk
    assert (len(row.algorithm), len(row.issuer_name_hash), len(row.serial)) == (8, 128, 40)


def test_the_chain_of_a_station_is_the_certificate_of_our_ca(charger: ChargePoint) -> None:
    below = make("Sub", by=ROOT, is_ca=True)
    leaf = make("SECC", by=below)
    now = {"not_before": NOW, "not_after": NOW + timedelta(days=90)}
    authority = CertificateAuthority.objects.create(
        name="Sub",
        key_type="ecdsa",
        key_name="sub",
        certificate=parsing.pem_of(below.certificate),
        sha256=parsing.sha256(below.certificate),
        **now,
    )
    issued = IssuedCertificate.objects.create(
        authority=authority,
        charge_point=charger,
        type="V2GCertificate",
        serial=format(leaf.certificate.serial_number, "x"),
        sha256=parsing.sha256(leaf.certificate),
        certificate=parsing.pem_of(leaf.certificate),
        subject="CN=SECC",
        **now,
    )
    children = (wire(below, ROOT), wire(ROOT))

    (row,) = lists(charger, Chain(CHAIN, wire(leaf, below), children), types=(CHAIN,))

    assert (row.issued, row.subject, row.children) == (issued, "CN=SECC", list(children))


# -- refusals and deletions ----------------------------------------------------------------------------------


def test_the_last_refusals_are_kept(charger: ChargePoint) -> None:
    for number in range(inventory.MOST_REFUSED + 3):
        install(charger, is_accepted=False, reason=f"Rejected: {number}")

    kept = InstalledCertificate.objects.filter(charge_point=charger, state="refused").order_by("pk")

    assert [row.reason for row in kept] == [
        f"Rejected: {number}" for number in range(3, inventory.MOST_REFUSED + 3)
    ]
    assert not CertificateInventory.objects.exclude(due_at=None).exists()


def test_a_text_that_is_no_certificate_is_installed_as_unknown(charger: ChargePoint) -> None:
    """The generic command sends any text."""
    inventory.installed(charger.pk, type_=CSMS, pem="x", is_accepted=True, reason="", command_id="", at=NOW)

    row = InstalledCertificate.objects.get()
    assert (row.state, row.sha256, row.certificate) == ("accepted", "", "")


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [("Accepted", "deleted", ""), ("NotFound", "missing", "why"), ("Failed", "installed", "why")],
)
def test_the_answer_to_a_deletion(charger: ChargePoint, status: str, state: str, reason: str) -> None:
    lists(charger, Chain(CSMS, wire(ROOT)), Chain(MANUFACTURER, wire(make("Other", is_ca=True))))
    spelled = {name: value.upper() for name, value in wire(ROOT).items()}

    inventory.deleted(charger.pk, data=spelled, status=status, reason="why", at=NOW)

    row, other = InstalledCertificate.objects.order_by("pk")
    assert (row.state, row.reason, other.state) == (state, reason, "installed")
    is_due = CertificateInventory.objects.get().due_at is not None
    assert is_due is (status == "Accepted")


def removed(
    charger: ChargePoint, pk: int, *, is_forced: bool = False, reason: str = ""
) -> InstalledCertificate:
    return removing.checked(charger, pk, is_forced=is_forced, reason=reason, actor="ann")


def test_what_must_not_be_deleted(charger: ChargePoint) -> None:
    install(charger)
    accepted = InstalledCertificate.objects.get()
    with pytest.raises(Conflict, match="has not listed"):
        removed(charger, accepted.pk)
    (row,) = lists(charger, Chain(CSMS, wire(ROOT)))
    assert removed(charger, row.pk) == row  # security profile 0: the station checks nothing
    with pytest.raises(Invalid, match="needs a reason"):
        removed(charger, row.pk, is_forced=True, reason=" ")
    charger.security_profile = 2
    with pytest.raises(Conflict, match="last CSMS root"):
        removed(charger, row.pk)
    assert removed(charger, row.pk, is_forced=True, reason="scrapped") == row
    other = ChargePoint.objects.create(identity="CP-2")
    with pytest.raises(Missing):
        removed(other, row.pk)


@pytest.mark.parametrize(("days", "is_last"), [(10, False), (-1, True)])
def test_an_expired_root_is_no_other_root(charger: ChargePoint, days: float, is_last: bool) -> None:
    charger.security_profile = 3
    second = make("Second", is_ca=True, days=(-20, days))
    install(charger, second)
    row = next(
        row for row in lists(charger, Chain(CSMS, wire(ROOT)), Chain(CSMS, wire(second))) if not row.sha256
    )

    assert removing.is_last_root(charger, row) is is_last


# -- when the list is asked for ------------------------------------------------------------------------------


def test_a_due_list_is_asked_for_a_few_times(charger: ChargePoint) -> None:
    install(charger)
    now, asked = NOW, 0
    for _ in range(9):
        asked += len(refreshing.claim(now))
        now += timedelta(hours=1)

    row = CertificateInventory.objects.get()
    assert (asked, row.due_at, row.problem) == (3, None, "The station does not list its certificates.")
    lists(charger, types=(CSMS,))
    row.refresh_from_db()
    assert row.problem == ""


def test_a_station_that_is_offline_is_asked_when_it_is_back(charger: ChargePoint) -> None:
    install(charger)
    ChargePoint.objects.update(is_online=False)
    assert refreshing.claim(NOW) == []
    ChargePoint.objects.update(is_online=True)
    assert refreshing.claim(NOW) == [charger]
    assert refreshing.claim(NOW) == []


def test_a_1_6_station_has_listed_when_it_has_listed_both_types(charger: ChargePoint) -> None:
    install(charger)
    lists(charger, Chain(CSMS, wire(ROOT)), version=V16, at=NOW)
    assert CertificateInventory.objects.get().due_at is not None

    lists(charger, types=(MANUFACTURER,), version=V16, at=NOW)

    row = CertificateInventory.objects.get()
    assert (row.due_at, row.wanted_since, row.attempts) == (None, None, 0)


def test_an_older_list_does_not_count(charger: ChargePoint) -> None:
    install(charger)

    inventory.listed(
        charger.pk,
        Listing(frozenset({CSMS, MANUFACTURER}), (Chain(CSMS, wire(ROOT)),)),
        version=V16,
        at=NOW - timedelta(seconds=1),
    )

    assert CertificateInventory.objects.get().due_at is not None


def test_ended_rows_are_deleted_after_a_year(charger: ChargePoint) -> None:
    install(charger)
    lists(charger)
    jobs.delete_installed()
    assert InstalledCertificate.objects.count() == 1
    InstalledCertificate.objects.update(ended_at=datetime.now(UTC) - jobs.ENDED_KEPT - timedelta(hours=1))

    jobs.delete_installed()

    assert not InstalledCertificate.objects.exists()
