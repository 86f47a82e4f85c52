"""Contract certificates: what is asked about, and what an answer, or none, means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from certificates.services.certificates import contracts, trusted
from certificates.services.certificates.ocsp import Failed, Found
from ocpp_server.contract_certificates import CertificateStatus, Finding, status
from ocpp_server.pki import hash_data, parsing
from ocpp_server.pki.hash_data import HashData
from ocpp_server.pki.ocsp import Response, Status
from ocpp_server.protocol.translate import IdToken, Verdict
from tests.unit.chargepoints.in_memory import a_station
from tests.unit.pki.made import Made, make

NOW = datetime.now(UTC)
EMAID = "DE8AA0012345670"
Check = Callable[..., Awaitable[Finding | None]]


def access(url: str) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    location = x509.UniformResourceIdentifier(url)
    named = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)
    return ((x509.AuthorityInformationAccess([named]), False),)


ROOT = make("MO Root", is_ca=True)
CA = make("MO Sub-CA", by=ROOT, is_ca=True, more=access("http://ca.example"))
LEAF = make(EMAID, by=CA, more=access("http://leaf.example"))


def response(answer: Status, *, is_proved: bool = True) -> Response:
    return Response(answer, NOW, None, is_proved)


GOOD, REVOKED, UNKNOWN = (response(one) for one in (Status.GOOD, Status.REVOKED, Status.UNKNOWN))
DOWN = Failed("Unreachable", "The host can't be reached.")


@pytest.fixture
def asked() -> list[str]:
    """The responders that were asked."""
    return []


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> Check:
    """Check the request of a vehicle, with responders that answer by their addresses."""

    async def run(says: dict[str, Response | Failed] | None = None, **request: Any) -> Finding | None:
        async def find(
            data: HashData, url: str, issuers: Sequence[x509.Certificate], *, within_s: float
        ) -> Found:
            asked.append(url)
            answer = (says or {}).get(url, GOOD)
            if isinstance(answer, Failed):
                raise answer
            return Found(b"", answer)

        async def roots(kinds: Sequence[str]) -> list[x509.Certificate]:
            assert set(kinds) == {"mo", "v2g"}
            return [ROOT.certificate]

        monkeypatch.setattr(contracts.client, "find", find)
        monkeypatch.setattr(trusted, "roots", roots)
        station = a_station()
        station.received_at = NOW
        return await contracts.check(station, IdToken(EMAID, "eMAID"), request)

    return run


def chain(*made: Made) -> str:
    return parsing.pem_of(*(one.certificate for one in made))


def item(certificate: Made, issuer: Made, url: str) -> dict[str, str]:
    return hash_data.of(certificate.certificate, issuer.certificate).wire() | {"responderURL": url}


async def test_a_message_without_a_certificate_says_nothing(check: Check) -> None:
    assert await check() is None


@pytest.mark.parametrize("request_", [{"certificate": " "}, {"iso15118CertificateHashData": []}])
async def test_an_empty_field_is_a_missing_certificate(check: Check, request_: dict[str, Any]) -> None:
    finding = await check(**request_)

    assert finding is not None
    assert (finding.status, finding.verdict) == (CertificateStatus.MISSING, Verdict.INVALID)


async def test_every_certificate_below_the_root_is_asked_about(check: Check, asked: list[str]) -> None:
    finding = await check(certificate=chain(LEAF, CA))

    assert finding == Finding(CertificateStatus.ACCEPTED)
    assert asked == ["http://leaf.example", "http://ca.example"]


async def test_a_certificate_without_a_responder_is_asked_at_the_one_of_its_hash_data(
    check: Check, asked: list[str]
) -> None:
    quiet = make(EMAID, by=CA)

    await check(certificate=chain(quiet, CA))
    assert asked == ["http://ca.example"]
    asked.clear()

    items = [item(quiet, CA, "http://given.example"), item(LEAF, CA, "http://other.example")]
    await check(certificate=chain(quiet, CA), iso15118CertificateHashData=items)
    assert asked == ["http://given.example", "http://ca.example"]


async def test_a_revoked_certificate_counts_more_than_one_without_an_answer(check: Check) -> None:
    says = {"http://leaf.example": DOWN, "http://ca.example": REVOKED}

    for request in (
        {"certificate": chain(LEAF, CA)},
        {
            "iso15118CertificateHashData": [
                item(LEAF, CA, "http://leaf.example"),
                item(CA, ROOT, "http://ca.example"),
            ]
        },
    ):
        finding = await check(says, **request)
        assert finding is not None
        assert (finding.status, finding.verdict) == (CertificateStatus.REVOKED, Verdict.INVALID)


UNCLEAR = {
    "down": (DOWN, "can't be reached"),
    "unknown": (UNKNOWN, "does not know"),
    "not proved": (response(Status.GOOD, is_proved=False), "issuer of a certificate is not known"),
    "revoked, not proved": (response(Status.REVOKED, is_proved=False), "issuer of a certificate"),
}


@pytest.mark.parametrize(("answer", "sentence"), UNCLEAR.values(), ids=UNCLEAR.keys())
async def test_the_setting_decides_about_a_certificate_without_a_proof(
    check: Check, settings: Any, answer: Response | Failed, sentence: str
) -> None:
    says = {"http://leaf.example": answer}

    strict = await check(says, certificate=chain(LEAF, CA))
    settings.OCPP_OCSP_SOFT_FAIL = True
    soft = await check(says, certificate=chain(LEAF, CA))

    assert strict is not None
    assert (strict.status, strict.verdict) == (CertificateStatus.CHAIN_ERROR, Verdict.INVALID)
    assert sentence in strict.reason
    assert soft == Finding(CertificateStatus.ACCEPTED)


async def test_a_revoked_certificate_is_refused_with_the_setting_too(check: Check, settings: Any) -> None:
    settings.OCPP_OCSP_SOFT_FAIL = True

    finding = await check({"http://leaf.example": REVOKED}, certificate=chain(LEAF, CA))

    assert finding is not None
    assert finding.status is CertificateStatus.REVOKED


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict.ACCEPTED, CertificateStatus.ACCEPTED),
        (Verdict.BLOCKED, CertificateStatus.CANCELLED),
        (Verdict.EXPIRED, CertificateStatus.CANCELLED),
        (Verdict.INVALID, CertificateStatus.CANCELLED),
        (Verdict.UNKNOWN, CertificateStatus.CANCELLED),
        (Verdict.CONCURRENT, CertificateStatus.ACCEPTED),
        (Verdict.WRONG_TIME, CertificateStatus.ACCEPTED),
        (Verdict.WRONG_PLACE, CertificateStatus.ACCEPTED),
        (Verdict.NO_CREDIT, CertificateStatus.ACCEPTED),
    ],
)
def test_a_valid_certificate_has_the_status_of_its_contract(
    verdict: Verdict, expected: CertificateStatus
) -> None:
    assert status(Finding(CertificateStatus.ACCEPTED), verdict) is expected
    assert status(Finding(CertificateStatus.EXPIRED, "Expired."), verdict) is CertificateStatus.EXPIRED
