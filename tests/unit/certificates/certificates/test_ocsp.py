"""The OCSP client against a responder over real HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates.models import OcspResponse
from certificates.services.certificates import ocsp as client
from certificates.services.certificates.ocsp import Failed, OcspClient
from ocpp_server.pki import hash_data
from ocpp_server.pki.hash_data import HashData
from ocpp_server.pki.ocsp import Status
from tests.responders import GOOD, REVOKED, UNKNOWN, Answer, Server, Statuses, serving
from tests.unit.pki.made import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]

CA = make("Sub-CA", is_ca=True)
LEAF = make("Leaf", by=CA)
DATA = hash_data.of(LEAF.certificate, CA.certificate)
ISSUERS = [CA.certificate]


@pytest.fixture
def says() -> Statuses:
    return Statuses(by=CA)


@pytest.fixture
def responder(says: Statuses, settings) -> Iterator[Server]:
    with serving(says) as server:
        settings.OCPP_OCSP_ALLOWED_HOSTS = frozenset({server.host})
        yield server


async def test_a_response_is_fetched_once_and_stored(responder, says, run_orm):
    for number, (answer, status) in enumerate(
        ((GOOD, Status.GOOD), (REVOKED, Status.REVOKED), (UNKNOWN, Status.UNKNOWN))
    ):
        says.default, url = answer, f"{responder.url}/{number}"

        first = await OcspClient().find(DATA, url, ISSUERS)
        second = await OcspClient().find(DATA, url, ISSUERS)

        assert (first.response.status, first.response.is_proved) == (status, True)
        assert second == first
        assert len(responder.requests) == number + 1
        row = await run_orm(OcspResponse.objects.latest, "pk")
        assert (row.serial, row.url, row.status) == (DATA.serial, url, status.value)
        assert bytes(row.response) == first.der


async def test_a_response_is_kept_for_a_week_at_most(responder, says, run_orm):
    says.days = (-0.1, 400)
    began = datetime.now(UTC)

    await OcspClient().find(DATA, responder.url, ISSUERS)

    row = await run_orm(OcspResponse.objects.get)
    assert timedelta(days=7) <= row.expires_at - began < timedelta(days=7, minutes=1)


async def test_a_stored_response_counts_until_it_is_out_of_date(responder, run_orm):
    await OcspClient().find(DATA, responder.url, ISSUERS)
    await run_orm(OcspResponse.objects.update, expires_at=datetime.now(UTC))

    await OcspClient().find(DATA, responder.url, ISSUERS)

    assert len(responder.requests) == 2
    await run_orm(OcspResponse.objects.update, expires_at=datetime.now(UTC))
    await run_orm(client.delete_expired)
    assert await run_orm(OcspResponse.objects.count) == 0


async def test_another_responder_is_asked_for_itself(responder, run_orm):
    """A station could otherwise store a response of its own about a certificate of others."""
    await OcspClient().find(DATA, responder.url, ISSUERS)
    await OcspClient().find(DATA, f"{responder.url}/other", ISSUERS)

    assert [path for path, _ in responder.requests] == ["/", "/other"]


async def test_a_stored_response_is_not_believed_with_a_root_that_proves_it_wrong(responder, says):
    says.by, says.certificates = make("Sub-CA", is_ca=True), []
    asked = OcspClient()
    assert not (await asked.find(DATA, responder.url, [])).response.is_proved

    with pytest.raises(Failed, match="not signed"):
        await asked.find(DATA, responder.url, ISSUERS)

    assert len(responder.requests) == 2


async def test_the_table_has_a_bound(responder, run_orm, monkeypatch):
    monkeypatch.setattr(client, "MOST_KEPT", 2)
    for number in range(3):
        await OcspClient().find(DATA, f"{responder.url}/{number}", ISSUERS)

    urls = await run_orm(lambda: list(OcspResponse.objects.order_by("pk").values_list("url", flat=True)))
    assert urls == [f"{responder.url}/1", f"{responder.url}/2"]


async def test_one_request_at_a_time_for_a_certificate(settings, says):
    begun, go_on = threading.Event(), threading.Event()

    def slow(path: str, body: bytes) -> Answer:
        begun.set()
        assert go_on.wait(10)
        return says(path, body)

    with serving(slow) as server:
        settings.OCPP_OCSP_ALLOWED_HOSTS = frozenset({server.host})
        asked = OcspClient()
        waiting = [asyncio.create_task(asked.find(DATA, server.url, ISSUERS)) for _ in range(3)]
        await asyncio.to_thread(begun.wait, 10)
        with pytest.raises(Failed, match=r"within 0\.01 s"):
            await asked.find(DATA, server.url, ISSUERS, within_s=0.01)
        go_on.set()
        found = await asyncio.gather(*waiting)

        assert {one.response.status for one in found} == {Status.GOOD}
        assert len(server.requests) == 1


DELEGATES = {
    "wrong signer": make("Sub-CA", is_ca=True),
    "delegate without its usage": make("Responder", by=CA),
    "expired delegate": make(
        "Responder",
        by=CA,
        more=((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),),
        days=(-9, -1),
    ),
}


async def failure(url: str, data: HashData = DATA) -> str:
    with pytest.raises(Failed) as failed:
        await OcspClient().find(data, url, ISSUERS)
    return failed.value.code


async def test_a_response_that_proves_nothing_is_not_believed_and_not_stored(responder, says, run_orm):
    for signer in DELEGATES.values():
        says.by, says.certificates = signer, [signer.certificate]
        assert await failure(responder.url) == "InvalidResponse"
    says.by, says.days = CA, (-9, -1)
    assert await failure(responder.url) == "InvalidResponse"

    assert len(responder.requests) == 4
    assert await run_orm(OcspResponse.objects.count) == 0


async def test_another_answer_fails(responder):
    for answer, code in (
        (Answer(b"", 500), "InvalidResponse"),
        (Answer(b"", 302, (("Location", "/elsewhere"),)), "InvalidResponse"),
        (Answer(b"<html>"), "InvalidResponse"),
        (Answer(b"x" * 70_000), "Unreachable"),
    ):
        responder.answer = lambda path, body, answer=answer: answer
        assert await failure(responder.url) == code
    assert len(responder.requests) == 4
    responder.close()
    assert await failure(responder.url) == "Unreachable"


async def test_no_connection_is_made_where_it_is_not_allowed(responder, settings):
    assert await failure(responder.url, DATA._replace(issuer_key_hash="xy")) == "InvalidValue"
    settings.OCPP_OCSP_ALLOWED_HOSTS = frozenset()
    for url in (
        responder.url,
        f"http://localhost:{responder.port}",
        "http://localhost",
        "http://169.254.169.254",
        "ftp://x.example",
    ):
        assert await failure(url) == "AddressRefused"
    assert responder.requests == []
