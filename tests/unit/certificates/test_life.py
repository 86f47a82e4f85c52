"""The life of certificates: sent, installed, adopted, superseded, revoked."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from django.db import OperationalError
from django.test import Client

from certificates.models import CertificateAuthority, IssuedCertificate, SigningRequest
from certificates.services.certificates import adoption, delivery, revoking
from certificates.services.certificates.delivery import Answer
from certificates.signing import keys, lists, work
from certificates.signing.keys import KeyFiles
from chargepoints.models import ChargePoint, Command
from ocpp_server.domain import Conflict, Invalid
from tests.unit.certificates.csrs import csr
from tests.unit.certificates.test_requesting import newest, received

pytestmark = pytest.mark.django_db


@pytest.fixture
def charger(db: None) -> ChargePoint:
    return ChargePoint.objects.create(
        identity="CP-1", security_profile=3, registration_status="Accepted", ocpp_version="ocpp2.0.1"
    )


def issued(cas: KeyFiles, charger: ChargePoint, *, answer: str = "Accepted") -> IssuedCertificate:
    """A certificate that the station was sent, and that it has answered so."""
    received(charger, csr("CP-1"))
    work.once(cas)
    row = newest()
    assert row.certificate is not None
    if answer:
        sent(row)
        delivery.answered(charger.pk, Answer(f"c{row.pk}", answer == "Accepted", answer, datetime.now(UTC)))
    return row.certificate


def sent(row: SigningRequest, state: str = "sent") -> None:
    now = datetime.now(UTC)
    Command.objects.create(
        id=f"c{row.pk}",
        charge_point=row.charge_point,
        action="CertificateSigned",
        payload={},
        state=state,
        created_at=now,
        sent_at=now,
        finished_at=None if state == "sent" else now,
        deadline_at=now,
    )
    delivery.begin(row.pk, f"c{row.pk}", 10)


def used(row: IssuedCertificate, at: datetime | None = None) -> None:
    adoption.used(charge_point_pk=row.charge_point_id or 0, sha256=row.sha256, at=at or datetime.now(UTC))


def states(*rows: IssuedCertificate) -> list[str]:
    for row in rows:
        row.refresh_from_db()
    return [str(row.state) for row in rows]


# -- the answer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "state"), [("Accepted", "installed"), ("Rejected", "refused")])
def test_the_answer_of_the_station_is_stored(
    cas: KeyFiles, charger: ChargePoint, answer: str, state: str
) -> None:
    row = issued(cas, charger, answer=answer)

    assert states(row) == [state]
    assert (newest().state, newest().due_at) == (state, None)


def test_an_answer_to_the_command_of_another_station_changes_nothing(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    other = ChargePoint.objects.create(identity="CP-2")
    row = issued(cas, charger, answer="")
    sent(newest())

    delivery.answered(other.pk, Answer(newest().command_id, True, "", datetime.now(UTC)))
    delivery.answered(charger.pk, Answer("", True, "", datetime.now(UTC)))

    assert states(row) == ["issued"]


def test_a_command_without_an_answer_is_sent_again_and_not_forever(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    issued(cas, charger, answer="")
    row = newest()
    sent(row, "timeout")

    assert delivery._settled(row.pk) is None
    row.refresh_from_db()
    assert row.state == "signed" and row.due_at > datetime.now(UTC) + timedelta(seconds=20)

    SigningRequest.objects.update(state="sent", attempts=delivery.MOST_ATTEMPTS)
    delivery._settled(row.pk)
    row.refresh_from_db()
    assert (row.state, row.due_at) == ("unanswered", None)


def test_a_lost_connection_makes_it_due_at_once(cas: KeyFiles, charger: ChargePoint) -> None:
    issued(cas, charger, answer="")
    sent(newest(), "disconnected")
    delivery.wake(charger.pk, datetime.now(UTC))

    delivery._settled(newest().pk)

    assert newest().state == "signed" and newest().due_at <= datetime.now(UTC)


def test_a_revoked_certificate_is_not_sent(cas: KeyFiles, charger: ChargePoint) -> None:
    row = issued(cas, charger, answer="")
    revoking.revoke(row, actor="ann", reason="keyCompromise")

    assert delivery._settled(newest().pk) is None
    assert newest().state == "failed"
    with pytest.raises(Conflict, match="no valid certificate"):
        delivery.to_send(charger, None)


# -- adoption ------------------------------------------------------------------------------------------------


def test_a_used_certificate_supersedes_the_older_one_which_is_revoked_after_the_grace(
    cas: KeyFiles, charger: ChargePoint, settings: Any
) -> None:
    settings.CERTIFICATE_GRACE = 3600
    old = issued(cas, charger)
    used(old)
    new = issued(cas, charger)
    now = datetime.now(UTC)

    used(new, now)

    assert states(old, new) == ["superseded", "active"]
    assert old.revoke_at == now + timedelta(hours=1)
    revoking.revoke_superseded(now + timedelta(minutes=59))
    assert states(old) == ["superseded"]
    revoking.revoke_superseded(now + timedelta(minutes=61))
    assert states(old, new) == ["revoked", "active"]
    assert old.revocation_reason == "superseded"


def test_a_station_that_goes_back_to_the_old_one_has_not_adopted_the_new_one(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    old = issued(cas, charger)
    used(old)
    new = issued(cas, charger)
    used(new)

    used(old, datetime.now(UTC) + timedelta(seconds=5))

    assert states(old, new) == ["active", "not_adopted"]
    assert old.revoke_at is None
    used(new, datetime.now(UTC) + timedelta(seconds=9))
    assert states(old, new) == ["superseded", "active"]


def test_a_logon_before_the_new_one_was_installed_is_no_fallback(cas: KeyFiles, charger: ChargePoint) -> None:
    old = issued(cas, charger)
    before = datetime.now(UTC)
    new = issued(cas, charger)

    used(old, before)

    assert states(old, new) == ["active", "installed"]


def test_a_certificate_that_is_used_without_an_answer_is_installed(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    row = issued(cas, charger, answer="")
    sent(newest())

    used(row)

    assert states(row) == ["active"]
    assert newest().state == "installed"


def test_foreign_and_revoked_certificates_change_nothing(cas: KeyFiles, charger: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="CP-2")
    row = issued(cas, charger)

    adoption.used(charge_point_pk=other.pk, sha256=row.sha256, at=datetime.now(UTC))
    adoption.used(charge_point_pk=charger.pk, sha256="00" * 32, at=datetime.now(UTC))
    assert states(row) == ["installed"]

    revoking.revoke(row, actor="ann", reason="unspecified")
    used(row)
    assert states(row) == ["revoked"]


def test_a_certificate_that_is_never_used_is_found(
    cas: KeyFiles, charger: ChargePoint, settings: Any
) -> None:
    settings.CERTIFICATE_ADOPTION = 3600
    row = issued(cas, charger)
    now = datetime.now(UTC)

    adoption.find_not_adopted(now + timedelta(minutes=59))
    assert states(row) == ["installed"]
    # A station with a password does not log on with it.
    ChargePoint.objects.update(security_profile=2)
    adoption.find_not_adopted(now + timedelta(minutes=61))
    assert states(row) == ["installed"]

    ChargePoint.objects.update(security_profile=3)
    adoption.find_not_adopted(now + timedelta(minutes=61))
    assert states(row) == ["not_adopted"]


# -- revocation ----------------------------------------------------------------------------------------------


def test_a_revocation_is_in_the_next_list_of_the_ca(
    cas: KeyFiles, charger: ChargePoint, client: Client
) -> None:
    row = issued(cas, charger)
    address = f"/pki/crl/{row.authority_id}.crl"
    before = x509.load_der_x509_crl(client.get(address).content)
    assert before.get_revoked_certificate_by_serial_number(int(row.serial, 16)) is None

    revoking.revoke(row, actor="ann", reason="cessationOfOperation")
    work.once(cas)

    after = x509.load_der_x509_crl(client.get(address).content)
    found = after.get_revoked_certificate_by_serial_number(int(row.serial, 16))
    assert found is not None
    ca = CertificateAuthority.objects.get(pk=row.authority_id)
    assert after.is_signature_valid(x509.load_pem_x509_certificate(ca.certificate.encode()).public_key())
    assert base64.b64decode(ca.crl) == client.get(address).content
    assert ca.crl_number == 2 and not ca.crl_is_due


def test_a_list_is_signed_again_before_it_ends_and_not_before(cas: KeyFiles) -> None:
    work.once(cas)
    assert work.once(cas) == 0

    CertificateAuthority.objects.update(crl_expires_at=datetime.now(UTC) + timedelta(days=3))
    assert work.once(cas) == 3


def test_a_list_that_cannot_be_signed_is_logged_once_a_minute(
    cas: KeyFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lists, "_failed", {})
    other = keys.made(keys.ECDSA)
    monkeypatch.setattr(KeyFiles, "key", lambda self, name: other)

    assert [work.once(cas), work.once(cas)] == [0, 0]

    assert caplog.text.count("signer.list_not_signed") == 3
    assert CertificateAuthority.objects.filter(crl_number=0).count() == 3


def test_no_fault_ends_the_signer(cas: KeyFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter([ValueError("a fault"), OperationalError("away"), None])

    def once(store: KeyFiles) -> int:
        if (fault := next(faults)) is not None:
            raise fault
        return 0

    monkeypatch.setattr(work, "once", once)
    monkeypatch.setattr(work.connection, "close", lambda: None)

    assert [work._round(cas) for _ in range(3)] == [work.PAUSE_S, work.POLL_S, work.POLL_S]


def test_there_is_no_list_of_an_unknown_ca(client: Client, db: None) -> None:
    assert client.get("/pki/crl/7.crl").status_code == 404
    assert client.post("/pki/crl/7.crl").status_code in (403, 405)


def test_a_certificate_is_revoked_once_and_with_a_reason_of_the_list(
    cas: KeyFiles, charger: ChargePoint
) -> None:
    row = issued(cas, charger)

    with pytest.raises(Invalid, match="keyCompromise"):
        revoking.revoke(row, actor="ann", reason="bored")
    revoking.revoke(row, actor="ann", reason="keyCompromise")
    with pytest.raises(Conflict):
        revoking.revoke(row, actor="ann", reason="unspecified")


def test_an_ended_certificate_is_shown_as_ended(cas: KeyFiles, charger: ChargePoint) -> None:
    row = issued(cas, charger)

    revoking.revoke_superseded(row.not_after + timedelta(seconds=1))

    assert states(row) == ["expired"]


def test_a_certificate_is_deleted_long_after_its_end(cas: KeyFiles, charger: ChargePoint) -> None:
    row = issued(cas, charger)

    revoking.delete_ended(row.not_after + timedelta(days=399))
    assert IssuedCertificate.objects.exists()
    revoking.delete_ended(row.not_after + timedelta(days=401))
    assert not IssuedCertificate.objects.exists()
    assert newest().certificate is None
