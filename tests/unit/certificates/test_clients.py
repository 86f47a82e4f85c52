"""The rule about client certificates: path, validity, usage, revocation, organization and name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates.models import CertificateAuthority, IssuedCertificate, RevokedCertificate, TrustRoot
from certificates.services.certificates import adoption, clients, revocation, trust
from certificates.services.certificates.trust import Trust
from chargepoints.models import ChargePoint
from ocpp_server.pki import parsing
from ocpp_server.transport.handshake.client_certificates import Presented, Proved, Refused
from tests.unit.pki.made import Made, make

ROOT = make("CSMS root", is_ca=True)
CA = make("Issuing CA", by=ROOT, is_ca=True, length=0)
MAKER = make("Maker root", is_ca=True, organization="Maker")
TRUST = Trust(
    roots=(ROOT.certificate, MAKER.certificate),
    cas=(CA.certificate,),
    organizations={parsing.sha256(ROOT.certificate): frozenset({"CPO"})},
)
AGREES = x509.KeyUsage(False, False, False, False, True, False, False, False, False)


def fault(
    leaf: Made,
    *others: Made,
    trusted: Trust = TRUST,
    identity: str = "CP-1",
    serial_number: str = "SN-1",
    at: datetime | None = None,
) -> str:
    return clients.fault_of(
        [one.certificate for one in (leaf, *others)],
        identity=identity,
        serial_number=serial_number,
        trusted=trusted,
        at=at or datetime.now(UTC),
    )


def purpose(*purposes: x509.ObjectIdentifier) -> dict[str, Any]:
    return {"more": [(x509.ExtendedKeyUsage(purposes), False)]}


@pytest.mark.parametrize(
    ("leaf", "others"),
    [
        (make("SN-1", by=CA), [CA]),
        # A proxy passes on the station's own certificate alone.
        (make("SN-1", by=CA), []),
        (make("SN-1", by=CA, key=rsa.generate_private_key(65537, 2048)), [CA]),
        (make("CP-1", by=CA), [CA]),
        (make("cp-1", by=CA), [CA]),
        (make("SN-1", by=MAKER, organization="Maker"), []),
        (make("SN-1", by=CA, **purpose(ExtendedKeyUsageOID.CLIENT_AUTH)), [CA]),
        (make("SN-1", by=CA, **purpose(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)), [CA]),
    ],
)
def test_a_good_certificate_is_accepted(leaf: Made, others: list[Made]) -> None:
    assert fault(leaf, *others) == ""


def test_the_certificate_of_a_station_without_a_known_serial_number_needs_its_identity() -> None:
    assert fault(make("CP-1", by=CA), serial_number="") == ""
    assert "(not known)" in fault(make("SN-1", by=CA), serial_number="")


OTHER_ROOT = make("Another root", is_ca=True)
WEAK = rsa.generate_private_key(65537, 1024)


@pytest.mark.parametrize(
    ("leaf", "reason"),
    [
        (make("SN-1", by=OTHER_ROOT), "The issuer of the certificate CN=SN-1,O=CPO is not known"),
        (make("SN-1"), "is self-signed"),
        (make("SN-1", by=CA, days=(-9, -1)), "has expired"),
        (make("SN-1", by=CA, days=(1, 9)), "is not valid before"),
        (make("SN-1", by=CA, key=WEAK), "RSA key of 1024 bits is too short"),
        (make("SN-1", by=CA, usage=AGREES), "lacks digitalSignature"),
        (make("SN-1", by=CA, **purpose(ExtendedKeyUsageOID.SERVER_AUTH)), "lacks clientAuth"),
        (make("SN-1", by=CA, organization="Somebody"), "The organization (O) of the certificate"),
        (make("SN-2", by=CA), "that of another station: its name (CN) 'SN-2'"),
        (make("sn-1", by=CA), "that of another station"),
        (make("SN-1 ", by=CA), "that of another station"),
        (make("SN-1\0", by=CA), "that of another station"),
    ],
)
def test_a_bad_certificate_is_refused_with_its_reason(leaf: Made, reason: str) -> None:
    assert reason in fault(leaf, CA)


def test_a_certificate_is_checked_at_the_time_of_the_handshake() -> None:
    leaf = make("SN-1", by=CA)

    assert "has expired" in fault(leaf, at=datetime.now(UTC) + timedelta(days=91))


def test_the_own_list_revokes_a_certificate_and_a_CA() -> None:
    leaf = make("SN-1", by=CA)
    for revoked in (leaf, CA):
        key = (revocation.issuer_hash(revoked.certificate.issuer), revocation.serial_of(revoked.certificate))
        listed = Trust(TRUST.roots, TRUST.cas, TRUST.organizations, {key: "Key compromised"})

        assert "is revoked by the list of this server (Key compromised)" in fault(leaf, trusted=listed)
        assert fault(make("SN-1", by=MAKER, organization="Maker"), trusted=listed) == ""


def crl(by: Made, *serials: int, days: tuple[float, float] = (-1, 7)) -> x509.CertificateRevocationList:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(now + timedelta(days=days[0]))
        .next_update(now + timedelta(days=days[1]))
    )
    for serial in serials:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        )
    return builder.sign(by.key, hashes.SHA256())


def test_the_revocation_list_of_a_CA_revokes_its_certificates_alone() -> None:
    leaf, spared = make("SN-1", by=MAKER), make("SN-1", by=MAKER)
    listed = crl(MAKER, leaf.certificate.serial_number)
    lists = {revocation.issuer_hash(MAKER.certificate.subject): (("Maker", listed),)}
    trusted = Trust(TRUST.roots, TRUST.cas, TRUST.organizations, lists=lists)

    assert "is revoked by its CA (revocation list Maker)" in fault(leaf, trusted=trusted)
    assert fault(spared, trusted=trusted) == ""


# -- with the stored rows ------------------------------------------------------------------------------------


@pytest.fixture
def stored(db: None) -> CertificateAuthority:
    trust.forget()
    authority = CertificateAuthority.objects.create(
        name="Issuing", key_type="ecdsa", key_name="issuing", **columns(CA)
    )
    top = CertificateAuthority.objects.create(name="Top", key_type="ecdsa", key_name="top", **columns(ROOT))
    authority.parent = top
    authority.save()
    TrustRoot.objects.create(name="Top", kind="csms", authority=top, **columns(ROOT))
    TrustRoot.objects.create(name="Maker", kind="manufacturer", **columns(MAKER))
    return authority


def columns(made: Made) -> dict[str, Any]:
    one = made.certificate
    return {
        "certificate": parsing.pem_of(one),
        "sha256": parsing.sha256(one),
        "subject": one.subject.rfc4514_string(),
        "not_before": one.not_valid_before_utc,
        "not_after": one.not_valid_after_utc,
    }


def check(station: ChargePoint, *chain: Made) -> Proved | Refused:
    trust.forget()
    (verdict,) = clients.check([Presented(station, tuple(_der(one) for one in chain))])
    return verdict


def _der(made: Made) -> bytes:
    return made.certificate.public_bytes(Encoding.DER)


def test_a_certificate_of_our_CA_is_good_for_its_station_and_is_noted_as_used(
    stored: CertificateAuthority,
) -> None:
    station = ChargePoint.objects.create(identity="CP-1", serial_number="SN-1")
    other = ChargePoint.objects.create(identity="CP-2", serial_number="SN-1")
    leaf = make("SN-1", by=CA)
    row = IssuedCertificate.objects.create(
        authority=stored, charge_point=station, type="ChargingStationCertificate", serial="1", **columns(leaf)
    )

    verdicts = check(station, leaf), check(other, leaf)
    row.refresh_from_db()

    assert verdicts[0] == Proved("SN-1")
    assert isinstance(verdicts[1], Refused) and "was issued for another station" in verdicts[1].reason
    assert row.state == "active" and row.first_used_at == row.last_used_at is not None

    IssuedCertificate.objects.update(state="revoked", revoked_at=datetime.now(UTC))
    refused = check(station, leaf)
    assert isinstance(refused, Refused) and "is revoked by our CA" in refused.reason


@pytest.fixture
def active(stored: CertificateAuthority) -> tuple[ChargePoint, Made, IssuedCertificate]:
    """A station that has logged on with its newest certificate."""
    station = ChargePoint.objects.create(identity="CP-1", serial_number="SN-1")
    leaf = make("SN-1", by=CA)
    row = IssuedCertificate.objects.create(
        authority=stored, charge_point=station, type="ChargingStationCertificate", serial="1", **columns(leaf)
    )
    check(station, leaf)
    row.refresh_from_db()
    return station, leaf, row


def test_a_logon_within_an_hour_of_the_noted_one_costs_one_query(
    active: tuple[ChargePoint, Made, IssuedCertificate], django_assert_num_queries: Any
) -> None:
    station, leaf, row = active
    trust.current()

    with django_assert_num_queries(1):
        verdicts = clients.check([Presented(station, (_der(leaf),))] * 20)

    assert verdicts == [Proved("SN-1")] * 20
    noted = row.last_used_at
    row.refresh_from_db()
    assert row.last_used_at == noted is not None


def test_the_first_logon_within_an_hour_is_noted(
    active: tuple[ChargePoint, Made, IssuedCertificate],
) -> None:
    station, leaf, row = active
    first = row.first_used_at
    IssuedCertificate.objects.update(last_used_at=datetime.now(UTC) - adoption.NOTED_EVERY)

    check(station, leaf)

    row.refresh_from_db()
    assert first is not None and row.last_used_at is not None
    assert row.first_used_at == first < row.last_used_at


@pytest.mark.parametrize("state", ["installed", "active"])
def test_a_way_back_to_a_certificate_that_was_used_a_moment_ago_is_noted(
    active: tuple[ChargePoint, Made, IssuedCertificate], state: str
) -> None:
    station, leaf, row = active
    later = {"not_before": row.not_before + timedelta(seconds=1), "serial": "2", "state": state}
    newer = IssuedCertificate.objects.create(
        authority=row.authority,
        charge_point=station,
        type=row.type,
        **columns(make("SN-1", by=CA)) | later,
    )

    check(station, leaf)

    newer.refresh_from_db()
    assert newer.state == "not_adopted"


@pytest.mark.parametrize("state", ["not_adopted", "superseded"])
def test_a_certificate_that_is_not_active_becomes_so_though_it_was_used_a_moment_ago(
    active: tuple[ChargePoint, Made, IssuedCertificate], state: str
) -> None:
    station, leaf, row = active
    IssuedCertificate.objects.update(state=state, revoke_at=datetime.now(UTC))

    check(station, leaf)

    row.refresh_from_db()
    assert (row.state, row.revoke_at) == ("active", None)


def test_disabled_roots_and_the_own_list_are_read_from_the_database(stored: CertificateAuthority) -> None:
    station = ChargePoint.objects.create(identity="CP-1", serial_number="SN-1")
    leaf = make("SN-1", by=MAKER, organization="Maker")
    accepted = check(station, leaf)
    TrustRoot.objects.filter(kind="manufacturer").update(is_enabled=False)
    unknown = check(station, leaf)
    TrustRoot.objects.update(is_enabled=True)
    RevokedCertificate.objects.create(
        issuer="Maker",
        issuer_hash=revocation.issuer_hash(MAKER.certificate.subject),
        serial=revocation.serial_of(leaf.certificate),
    )
    revoked = check(station, leaf)

    assert accepted == Proved("SN-1")
    assert isinstance(unknown, Refused) and "is not known" in unknown.reason
    assert isinstance(revoked, Refused) and "by the list of this server" in revoked.reason


@pytest.mark.parametrize("der", [b"", b"\x30", b"x" * 70_000])
def test_what_is_no_certificate_is_refused(stored: CertificateAuthority, der: bytes) -> None:
    station = ChargePoint.objects.create(identity="CP-1")

    (verdict,) = clients.check([Presented(station, (der,))])

    assert verdict == Refused("The client certificate can't be read.")


def test_a_herd_reads_what_is_trusted_once(
    stored: CertificateAuthority, django_assert_max_num_queries: Any
) -> None:
    station = ChargePoint.objects.create(identity="CP-1", serial_number="SN-1")
    leaf = (_der(make("SN-1", by=CA)),)
    clients.check([Presented(station, leaf)])

    with django_assert_max_num_queries(1):
        verdicts = clients.check([Presented(station, leaf)] * 50)

    assert verdicts == [Proved("SN-1")] * 50
