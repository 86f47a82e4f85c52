"""Revoked certificates and revocation lists of other CAs over REST, and the job that fetches lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certificates.models import CertificateAuthority, IssuedCertificate, RevocationList, RevokedCertificate
from certificates.services.certificates import revocation_lists, roots, trust
from events.models import Event
from ocpp_server.outbound.addresses import AddressRefused
from ocpp_server.outbound.http import Answer, RequestFailed
from ocpp_server.pki import parsing
from tests.api.conftest import Caller
from tests.unit.pki.made import Made, make

REVOCATIONS = "/api/v1/certificates/revocations"
LISTS = "/api/v1/certificates/revocation-lists"
MAKER = make("Maker root", is_ca=True, organization="Maker")
SUB = make("Maker CA", by=MAKER, is_ca=True, organization="Maker")
LEAF = make("SN-1", by=SUB, organization="Maker")
NOW = datetime.now(UTC)


def pem(made: Made) -> str:
    return parsing.pem_of(made.certificate)


def crl(
    by: Made, *serials: int, hours: tuple[float, float] = (-1, 24), key: Any = None
) -> x509.CertificateRevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(NOW + timedelta(hours=hours[0]))
        .next_update(NOW + timedelta(hours=hours[1]))
    )
    for serial in serials:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW)
        builder = builder.add_revoked_certificate(one.build())
    return builder.sign(key or by.key, hashes.SHA256())


def text_of(listed: x509.CertificateRevocationList) -> str:
    return listed.public_bytes(Encoding.PEM).decode()


def published(type: str) -> list[dict[str, Any]]:
    return [row.content for row in Event.objects.filter(type=type).order_by("id")]


@pytest.fixture(autouse=True)
def _trusted(db: None) -> None:
    trust.forget()
    roots.add(kind="manufacturer", certificate=pem(MAKER))


# -- the own list --------------------------------------------------------------------------------------------


def test_a_certificate_of_another_CA_is_revoked_found_and_allowed_again(
    administrator: Caller, viewer: Caller
) -> None:
    body = {"certificate": pem(LEAF), "reason": "keyCompromise", "note": "Stolen."}
    answer = administrator.post(REVOCATIONS, body)
    again = administrator.post(REVOCATIONS, body)
    path = answer["Location"]
    serial = format(LEAF.certificate.serial_number, "x")

    assert (answer.status_code, again.status_code, again.info["code"]) == (201, 409, "duplicate")
    assert (answer.info["serialNumber"], answer.info["reason"]) == (serial, "keyCompromise")
    assert answer.info["issuer"] == "CN=Maker CA,O=Maker" and answer.info["subject"] == "CN=SN-1,O=Maker"
    assert [one["id"] for one in viewer.get(f"{REVOCATIONS}?search=SN-1").info["revocations"]] == [
        answer.info["id"]
    ]
    assert len(trust.current().revoked) == 1
    assert administrator.delete(path).status_code == 200
    trust.forget()
    assert len(trust.current().revoked) == 0
    assert [published(f"revocation.{one}")[0]["serialNumber"] for one in ("added", "removed")] == [serial] * 2


def test_a_certificate_is_named_by_its_issuer_and_serial_number(administrator: Caller) -> None:
    body = {"issuerCertificate": pem(SUB), "serialNumber": "00:3F:A1"}

    answer = administrator.post(REVOCATIONS, body)

    assert (answer.status_code, answer.info["serialNumber"], answer.info["subject"]) == (201, "3fa1", "")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "certificate"),
        ({"certificate": "x"}, "certificate"),
        ({"certificate": pem(MAKER)}, "certificate"),
        ({"certificate": pem(LEAF), "issuerCertificate": pem(SUB)}, "certificate"),
        ({"issuerCertificate": pem(SUB)}, "serialNumber"),
        ({"issuerCertificate": pem(SUB), "serialNumber": "xyz"}, "serialNumber"),
        ({"issuerCertificate": pem(SUB), "serialNumber": "1" * 41}, "serialNumber"),
        ({"certificate": pem(LEAF), "reason": "boredom"}, "reason"),
    ],
)
def test_a_bad_entry_is_refused(administrator: Caller, body: dict[str, Any], field: str) -> None:
    answer = administrator.post(REVOCATIONS, body)

    assert (answer.status_code, answer.info["errors"][0]["field"]) == (400, field)
    assert not RevokedCertificate.objects.exists()


def test_a_certificate_of_our_CA_is_revoked_elsewhere(administrator: Caller) -> None:
    validity = {"not_before": NOW, "not_after": NOW}
    authority = CertificateAuthority.objects.create(name="Ours", key_type="ecdsa", sha256="0", **validity)
    IssuedCertificate.objects.create(
        authority=authority, type="server", sha256=parsing.sha256(LEAF.certificate), **validity
    )

    answer = administrator.post(REVOCATIONS, {"certificate": pem(LEAF)})

    assert answer.status_code == 400 and "Revoke it there" in answer.info["errors"][0]["reason"]


def test_only_administrators_change_the_lists(operator: Caller) -> None:
    assert operator.post(REVOCATIONS, {"certificate": pem(LEAF)}).status_code == 403
    assert operator.post(LISTS, {"name": "x", "crl": text_of(crl(MAKER))}).status_code == 403


# -- lists of CAs --------------------------------------------------------------------------------------------


def test_a_list_is_stored_replaced_and_deleted(administrator: Caller) -> None:
    serial = LEAF.certificate.serial_number
    body = {
        "name": "Maker CA",
        "crl": text_of(crl(SUB, serial, 7)),
        "issuerCertificate": pem(SUB),
        "url": "http://ca.example.com/maker.crl",
    }
    answer = administrator.post(LISTS, body)
    again = administrator.post(LISTS, body)
    path = answer["Location"]

    assert (answer.status_code, again.status_code) == (201, 409)
    assert (answer.info["entries"], answer.info["isOver"], answer.info["issuer"]) == (
        2,
        False,
        "CN=Maker CA,O=Maker",
    )
    ((name, stored),) = trust.current().lists[RevocationList.objects.get().issuer_hash]
    assert name == "Maker CA" and stored.get_revoked_certificate_by_serial_number(serial) is not None
    newer = administrator.patch(path, {"crl": text_of(crl(SUB, hours=(-0.5, -0.1)))})
    assert (newer.info["entries"], newer.info["isOver"]) == (0, True)
    older = administrator.patch(path, {"crl": text_of(crl(SUB, hours=(-2, 24)))})
    assert older.status_code == 400 and "newer list already" in older.info["errors"][0]["reason"]
    other = administrator.patch(path, {"crl": text_of(crl(MAKER, hours=(-0.1, 24)))})
    assert other.status_code == 400 and "another CA" in other.info["errors"][0]["reason"]
    assert administrator.delete(path).status_code == 200
    assert [data["entries"] for data in published("crl.stored")] == [2, 0]


STRANGER = make("Stranger", is_ca=True)
NO_CRLS = make("Maker root", is_ca=True, signs=False)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"crl": "x"}, "crl", "BEGIN X509 CRL"),
        ({"crl": pem(MAKER)}, "crl", "BEGIN X509 CRL"),
        ({"crl": text_of(crl(STRANGER))}, "crl", "No known CA"),
        ({"crl": text_of(crl(MAKER, key=STRANGER.key))}, "crl", "No known CA"),
        ({"crl": text_of(crl(SUB))}, "crl", "No known CA"),
        (
            {"crl": text_of(crl(STRANGER)), "issuerCertificate": pem(STRANGER)},
            "issuerCertificate",
            "self-signed",
        ),
        ({"crl": text_of(crl(SUB)), "issuerCertificate": pem(LEAF)}, "issuerCertificate", "of a CA"),
        ({"crl": text_of(crl(MAKER, hours=(1, 24)))}, "crl", "from the future"),
        ({"crl": text_of(crl(MAKER)), "url": "ftp://x"}, "url", "http"),
        ({"crl": text_of(crl(MAKER)), "name": " "}, "name", "blank"),
    ],
)
def test_a_bad_list_is_refused(administrator: Caller, body: dict[str, Any], field: str, words: str) -> None:
    answer = administrator.post(LISTS, {"name": "Maker", **body})

    assert (answer.status_code, answer.info["errors"][0]["field"]) == (400, field), answer.content
    assert words in answer.info["errors"][0]["reason"]
    assert not RevocationList.objects.exists()


# -- fetching ------------------------------------------------------------------------------------------------


class Journal:
    """Runs the functions of the job at once."""

    async def run(self, function: Any, *arguments: Any) -> Any:
        from asgiref.sync import sync_to_async

        return await sync_to_async(function)(*arguments)


@pytest.fixture
def stored() -> RevocationList:
    return revocation_lists.add(name="Maker", crl=text_of(crl(MAKER)), url="http://ca.example.com/maker.crl")


def fetched(row: RevocationList, answer: Any) -> RevocationList:
    """The row after the job has fetched its list and got this."""
    content, reason = answer
    revocation_lists.store_fetched(row.pk, content, reason)
    row.refresh_from_db()
    return row


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_fetched_list_replaces_the_older_one(stored: RevocationList, encoding: Encoding) -> None:
    newer = crl(MAKER, 5, hours=(-0.5, 48))

    row = fetched(stored, (newer.public_bytes(encoding), ""))

    assert (row.entries, row.fetch_error) == (1, "") and row.fetched_at is not None
    assert revocation_lists.due(NOW) == []


def test_a_failed_fetch_keeps_the_list_and_is_one_event(stored: RevocationList) -> None:
    forged = crl(MAKER, 5, hours=(-0.5, 48), key=STRANGER.key).public_bytes(Encoding.DER)

    for answer in ((b"", "HTTP status 404."), (forged, ""), (b"<html>", "")):
        row = fetched(stored, answer)
        assert row.fetch_error and row.entries == 0 and row.sha256 == stored.sha256
    assert "can't be read" in row.fetch_error
    assert [data["reason"] for data in published("crl.failed")] == ["HTTP status 404."]

    assert fetched(stored, (bytes(stored.content), "")).fetch_error == ""


@pytest.mark.parametrize(
    ("columns", "is_due"),
    [
        ({"fetched_at": None}, True),
        ({"fetched_at": None, "url": ""}, False),
        ({"fetched_at": NOW - timedelta(hours=2), "next_update": NOW + timedelta(hours=11)}, True),
        ({"fetched_at": NOW - timedelta(hours=2), "next_update": NOW - timedelta(days=9)}, True),
        ({"fetched_at": NOW - timedelta(minutes=50), "next_update": NOW}, False),
        ({"fetched_at": NOW - timedelta(hours=2), "next_update": NOW + timedelta(hours=13)}, False),
        ({"fetched_at": NOW - timedelta(hours=23), "next_update": None}, False),
        ({"fetched_at": NOW - timedelta(hours=25), "next_update": None}, True),
    ],
)
def test_a_list_is_fetched_before_it_ends(
    stored: RevocationList, columns: dict[str, Any], *, is_due: bool
) -> None:
    RevocationList.objects.update(**columns)

    assert [pk for pk, _ in revocation_lists.due(NOW)] == ([stored.pk] if is_due else [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Answer(200, crl(MAKER, 5, hours=(-0.5, 48)).public_bytes(Encoding.DER)), ""),
        (Answer(503, b""), "HTTP status 503."),
        (RequestFailed("There was no answer within 30 s."), "There was no answer within 30 s."),
        (AddressRefused("The address is private."), "The address is private."),
    ],
)
async def test_the_job_fetches_within_limits_and_guards(
    monkeypatch: pytest.MonkeyPatch, settings: Any, outcome: Any, error: str
) -> None:
    asked: list[dict[str, Any]] = []

    async def request(method: str, url: str, **how: Any) -> Answer:
        asked.append({"method": method, "url": url, **how})
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    settings.OCPP_OCSP_ALLOWED_HOSTS = frozenset({"ca.example.com"})
    monkeypatch.setattr(revocation_lists, "journal", Journal())
    monkeypatch.setattr(revocation_lists.http, "request", request)
    row = await Journal().run(
        lambda: revocation_lists.add(
            name="Maker", crl=text_of(crl(MAKER)), url="http://ca.example.com/maker.crl"
        )
    )

    await revocation_lists.fetch_due()

    await Journal().run(row.refresh_from_db)
    assert (row.fetch_error, row.entries) == (error, 0 if error else 1)
    (one,) = asked
    assert (one["method"], one["url"]) == ("GET", "http://ca.example.com/maker.crl")
    assert one["listed"] == {"ca.example.com"} and one["limits"].most_bytes == 8 * 1024 * 1024
