"""Requests of stations, from the CSR to the certificate: the rules of the server, and those of the signer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certificates.models import CertificateAuthority, IssuedCertificate, SigningRequest
from certificates.services.certificates import delivery, requesting
from certificates.services.certificates.requesting import Asked, Verdict
from certificates.signing import building, issuing, work
from certificates.signing.keys import KeyFiles
from chargepoints.models import ChargePoint
from ocpp_server.domain import Conflict, DomainError
from ocpp_server.pki import parsing, requests
from tests.unit.certificates.csrs import ORGANIZATION, csr

pytestmark = pytest.mark.django_db
STATION = "ChargingStationCertificate"


@pytest.fixture
def charger(db: None) -> ChargePoint:
    return ChargePoint.objects.create(
        identity="CP-1", serial_number="SN1", security_profile=1, registration_status="Accepted"
    )


def received(
    charger: ChargePoint, pem: str, *, type: str = STATION, at: datetime | None = None, **more: Any
) -> Verdict:
    fault, read = "", None
    try:
        read = requests.read(pem)
    except DomainError as error:
        fault = error.sentence
    asked = Asked(pem, type, at or datetime.now(UTC), **more)
    return requesting._store(charger.pk, asked, read, fault)


def newest() -> SigningRequest:
    return SigningRequest.objects.order_by("-pk")[0]


def leaf() -> x509.Certificate:
    return parsing.certificate(IssuedCertificate.objects.order_by("-pk")[0].certificate, field="")


# -- the server ----------------------------------------------------------------------------------------------


def test_a_request_of_a_station_with_a_password_waits_for_the_signer_alone(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    assert received(charger, csr("SN1")).is_accepted

    assert newest().state == "approved"
    assert newest().authority is not None and newest().authority.key_type == "ecdsa"


@pytest.mark.parametrize(
    "trust", [(0, "Accepted", "automatic"), (1, "Pending", "automatic"), (3, "Accepted", "manual")]
)
def test_other_requests_wait_for_an_administrator_and_the_signer_checks_that_too(
    cas: KeyFiles, charger: ChargePoint, settings: Any, trust: tuple[int, str, str]
) -> None:
    profile, registration, approval = trust
    settings.CERTIFICATE_APPROVAL = approval
    ChargePoint.objects.update(security_profile=profile, registration_status=registration)
    assert received(charger, csr("SN1")).is_accepted
    assert newest().state == "waiting"

    # A web process that skips the approval does not get a certificate.
    SigningRequest.objects.update(state="approved")
    work.once(cas)
    assert (newest().state, newest().reason) == ("failed", "This request is not approved.")

    requesting.approve(newest(), actor="ann")
    work.once(cas)
    assert (newest().state, newest().approved_by) == ("signed", "ann")


@pytest.mark.parametrize("name", ["SN2", "sn1", "CP-2", "CP-1 "])
def test_the_name_must_be_the_serial_number_or_the_identity(
    cas: KeyFiles, charger: ChargePoint, name: str
) -> None:
    verdict = received(charger, csr(name))

    assert (verdict.is_accepted, verdict.reason_code) == (False, "InvalidCSR")
    assert name in verdict.sentence
    assert received(charger, csr("cp-1")).is_accepted


def test_a_station_that_reports_the_serial_number_of_another_gets_no_certificate_for_it(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    ChargePoint.objects.create(identity="CP-2", serial_number="SN1")
    by_identity = ChargePoint.objects.create(identity="CP-3", serial_number="cp-2", security_profile=1)

    assert "CP-2" in received(charger, csr("SN1")).sentence
    assert "CP-2" in received(by_identity, csr("cp-2")).sentence


def test_without_a_ca_a_request_is_rejected(charger: ChargePoint) -> None:
    verdict = received(charger, csr("SN1"))

    assert (verdict.is_accepted, verdict.reason_code) == (False, "NotEnabled")
    assert newest().state == "rejected"


def test_a_rejected_csr_is_judged_again_once_its_station_is_known(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    pem = csr("SN9")
    assert not received(charger, pem).is_accepted
    ChargePoint.objects.update(serial_number="SN9")

    assert received(charger, pem).is_accepted
    assert SigningRequest.objects.count() == 1


def test_the_newest_csr_of_a_type_wins_and_other_types_stay(
    cas: KeyFiles, charger: ChargePoint, settings: Any
) -> None:
    received(charger, csr("SN1"))
    first = newest()
    received(charger, csr("SN1"))

    first.refresh_from_db()
    assert (first.state, newest().state) == ("superseded", "approved")
    work.once(cas)
    assert IssuedCertificate.objects.count() == 1


def test_the_rate_counts_only_new_requests(cas: KeyFiles, charger: ChargePoint, settings: Any) -> None:
    settings.CERTIFICATE_REQUESTS_PER_HOUR = 2
    pem = csr("SN1")
    now = datetime.now(UTC)
    assert [received(charger, pem, at=now).is_accepted for _ in range(5)] == [True] * 5
    assert received(charger, csr("SN1"), at=now).is_accepted

    verdict = received(charger, csr("SN1"), at=now)

    assert (verdict.is_accepted, verdict.reason_code) == (False, "TooManyRequests")
    assert received(charger, csr("SN1"), at=now + timedelta(hours=1, seconds=1)).is_accepted
    assert SigningRequest.objects.count() == 3


def test_a_declined_request_is_not_signed_and_its_csr_is_rejected_then(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    ChargePoint.objects.update(security_profile=0)
    pem = csr("SN1")
    received(charger, pem)

    requesting.decline(newest(), actor="ann", reason="Unknown station.")

    assert not received(charger, pem).is_accepted
    assert work.once(cas) == 3  # the revocation lists
    for decide in (requesting.approve, requesting.decline):
        with pytest.raises(Conflict):
            decide(newest(), actor="ann")


# -- the signer ----------------------------------------------------------------------------------------------


def test_nothing_but_the_name_and_the_key_of_a_csr_gets_into_the_certificate(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names = (
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "SN1"),
        x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "XX"),
        x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "a@example.com"),
    )
    more = (
        x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.SubjectAlternativeName([x509.DNSName("sn1")]),
    )
    received(charger, csr(key=key, names=names, more=more))
    work.once(cas)

    made = leaf()
    assert made.subject == building.name("SN1", ORGANIZATION)
    assert made.public_key() == key.public_key()
    assert made.serial_number.bit_length() > 64
    kinds = {extension.oid for extension in made.extensions}
    assert x509.ExtensionOID.EXTENDED_KEY_USAGE not in kinds
    assert x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME not in kinds
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign


def test_a_renewed_certificate_begins_later_than_the_one_before(cas: KeyFiles, charger: ChargePoint) -> None:
    received(charger, csr("SN1"))
    work.once(cas)
    first = leaf()
    received(charger, csr("SN1"))
    work.once(cas)

    assert leaf().not_valid_before_utc > first.not_valid_before_utc
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert building.winning_start(now, None) == now - timedelta(hours=1)
    assert building.winning_start(now, now - timedelta(days=9)) == now - timedelta(hours=1)
    just_now = now - timedelta(minutes=59)
    assert building.winning_start(now, just_now) == just_now + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [
        ("csr", csr("SN2"), "common name"),
        ("csr", "no CSR", "PEM"),
        ("type", "server", "unknown type"),
        ("authority_id", None, "no active CA"),
    ],
)
def test_the_signer_checks_what_the_row_says(
    cas: KeyFiles, charger: ChargePoint, column: str, value: Any, word: str
) -> None:
    received(charger, csr("SN1"))
    SigningRequest.objects.update(**{column: value})

    work.once(cas)

    assert newest().state == "failed"
    assert word in newest().reason
    assert not IssuedCertificate.objects.exists()


def test_a_root_and_a_retired_ca_sign_no_station(cas: KeyFiles, charger: ChargePoint) -> None:
    root = CertificateAuthority.objects.get(parent=None)
    for change in ({"authority": root}, {"authority": CertificateAuthority.objects.exclude(parent=None)[0]}):
        received(charger, csr("SN1"))
        SigningRequest.objects.filter(pk=newest().pk).update(**change)
        CertificateAuthority.objects.exclude(parent=None).update(state="retired")
        work.once(cas)
        assert newest().state == "failed"
        CertificateAuthority.objects.update(state="active")


def test_the_signer_counts_the_rate_itself(cas: KeyFiles, charger: ChargePoint, settings: Any) -> None:
    settings.CERTIFICATE_REQUESTS_PER_HOUR = 1
    received(charger, csr("SN1"))
    work.once(cas)
    pem = csr("SN1")
    row = newest()
    SigningRequest.objects.filter(pk=row.pk).update(
        state="approved", csr=pem, certificate=None, digest=requests.read(pem).digest
    )

    work.once(cas)

    assert newest().state == "failed" and "too many" in newest().reason


def test_a_claim_of_a_signer_that_died_is_taken_again(cas: KeyFiles, charger: ChargePoint) -> None:
    received(charger, csr("SN1"))
    SigningRequest.objects.update(state="signing", claimed_at=datetime.now(UTC))
    work.once(cas)
    assert newest().state == "signing"

    SigningRequest.objects.update(claimed_at=datetime.now(UTC) - issuing.CLAIMED_FOR - timedelta(seconds=1))
    work.once(cas)
    assert newest().state == "signed"


def test_a_request_that_was_replaced_meanwhile_stores_no_certificate(
    cas: KeyFiles, charger: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    received(charger, csr("SN1"))
    real = issuing._own

    def slow(*args: Any) -> Any:
        SigningRequest.objects.update(state="superseded")
        return real(*args)

    monkeypatch.setattr(issuing, "_own", slow)
    work.once(cas)

    assert newest().state == "superseded"
    assert not IssuedCertificate.objects.exists()


def test_a_missing_key_fails_the_request_and_an_approval_tries_again(
    cas: KeyFiles, charger: ChargePoint, tmp_path: Any
) -> None:
    received(charger, csr("SN1"))
    work.once(KeyFiles(tmp_path / "empty", "another passphrase of tests"))
    assert newest().state == "failed" and "no key" in newest().reason

    delivery._settled(newest().pk)
    assert newest().due_at is None
    requesting.approve(newest(), actor="ann")
    work.once(cas)
    assert newest().state == "signed"


# -- an external CA ------------------------------------------------------------------------------------------

ORDERS: list[issuing.Order] = []
ANSWERS: list[Any] = []


def issue(order: issuing.Order) -> str | None:
    """Stands for an external CA: it gives the prepared answer."""
    ORDERS.append(order)
    answer = ANSWERS.pop(0)
    if isinstance(answer, Exception):
        raise answer
    found: str | None = answer(order) if callable(answer) else answer
    return found


@pytest.fixture
def external(settings: Any) -> Any:
    ORDERS.clear()
    ANSWERS.clear()
    settings.SIGNER_ISSUER = f"{__name__}.issue"
    from tests.unit.pki import made

    root = made.make("Pool Root", is_ca=True)
    return made.make("Pool CA", by=root, is_ca=True), root


def signed_by(ca: Any, name: str = "SN1", key: Any = None) -> Any:
    def answer(order: issuing.Order) -> str:
        read = requests.read(order.csr)
        now = datetime.now(UTC)
        wanted = building.Leaf(building.name(name, "Pool"), key or read.key, now, timedelta(days=60))
        signer = building.Signer(ca.certificate, ca.key)
        return parsing.pem_of(building.leaf(wanted, signer), ca.certificate)

    return answer


def test_an_external_ca_issues_and_its_certificate_is_checked(
    store: KeyFiles, charger: ChargePoint, external: Any
) -> None:
    pool, _ = external
    ANSWERS[:] = [signed_by(pool)]
    assert received(charger, csr("SN1"), type="V2GCertificate").is_accepted

    work.once(store)

    assert newest().state == "signed"
    (order,) = ORDERS
    assert (order.station, order.common_name, order.type) == ("CP-1", "SN1", "V2GCertificate")
    issued = IssuedCertificate.objects.get()
    assert issued.chain == parsing.pem_of(pool.certificate)
    assert (issued.authority.state, issued.authority.key_type) == ("retired", "ecdsa")


@pytest.mark.parametrize("fault", ["another key", "another name", "no chain", "error", "no certificate"])
def test_a_wrong_answer_of_an_external_ca_is_refused(
    store: KeyFiles, charger: ChargePoint, external: Any, fault: str
) -> None:
    pool, root = external
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    ANSWERS[:] = [
        {
            "another key": signed_by(pool, key=other),
            "another name": signed_by(pool, name="SN2"),
            "no chain": signed_by(root),
            "error": RuntimeError("password=hunter2"),
            "no certificate": "nothing",
        }[fault]
    ]
    received(charger, csr("SN1"))

    work.once(store)

    assert newest().state == "failed"
    assert "hunter2" not in newest().reason
    assert not IssuedCertificate.objects.exists()


def test_an_external_ca_may_leave_a_request_to_ours(
    cas: KeyFiles, charger: ChargePoint, external: Any
) -> None:
    ANSWERS[:] = [None]
    received(charger, csr("SN1"))

    work.once(cas)

    assert parsing.organization(leaf().issuer) == ORGANIZATION


def test_a_text_that_is_no_csr_is_kept_without_what_no_database_stores() -> None:
    assert "\x00" not in requesting.kept("no\x00CSR" * 2000)
    assert len(requesting.kept("x" * 9000)) == requests.LONGEST
