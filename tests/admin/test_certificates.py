"""CAs, signing requests and issued certificates in the admin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from certificates.models import AuthorityRequest, CertificateAuthority, IssuedCertificate, SigningRequest
from chargepoints.models import ChargePoint

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
REQUESTS = "admin:certificates_signingrequest_changelist"
ISSUED = "admin:certificates_issuedcertificate_changelist"


@pytest.fixture
def request_row(station: ChargePoint) -> SigningRequest:
    return SigningRequest.objects.create(
        charge_point=station,
        type=IssuedCertificate.Type.STATION,
        csr="CSR",
        common_name="SN1",
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.fixture
def issued(station: ChargePoint) -> IssuedCertificate:
    authority = CertificateAuthority.objects.create(
        name="CA", key_type="ecdsa", key_name="ca", sha256="a" * 64, not_before=NOW, not_after=NOW
    )
    return IssuedCertificate.objects.create(
        authority=authority,
        charge_point=station,
        type=IssuedCertificate.Type.STATION,
        serial="ab",
        sha256="b" * 64,
        subject="CN=SN1",
        not_before=NOW,
        not_after=datetime.now(UTC) + timedelta(days=9),
    )


def act(client: Client, page: str, action: str, row: Any) -> Any:
    return client.post(reverse(page), {"action": action, "_selected_action": [row.pk]}, follow=True)


@pytest.mark.parametrize(
    ("action", "state"), [("approve_selected", "approved"), ("reject_selected", "declined")]
)
def test_an_administrator_decides_about_a_request(
    administrator: Client, request_row: SigningRequest, action: str, state: str
) -> None:
    act(administrator, REQUESTS, action, request_row)

    request_row.refresh_from_db()
    assert (request_row.state, request_row.approved_by) == (state, "administrator")
    # A second decision is not possible, and says so.
    page = act(administrator, REQUESTS, action, request_row)
    assert "Only a request that waits" in page.content.decode()


def test_an_operator_decides_nothing_and_revokes_nothing(
    operator: Client, request_row: SigningRequest, issued: IssuedCertificate
) -> None:
    for page, action, row in (
        (REQUESTS, "approve_selected", request_row),
        (ISSUED, "revoke_selected", issued),
    ):
        assert action not in operator.get(reverse(page)).content.decode()
        act(operator, page, action, row)
    add = reverse("admin:certificates_authorityrequest_add")
    assert operator.post(add, {"organization": "Acme", "usage": "stations"}).status_code == 403

    request_row.refresh_from_db()
    issued.refresh_from_db()
    assert (request_row.state, issued.state) == ("waiting", "issued")
    assert not AuthorityRequest.objects.exists()


@pytest.mark.parametrize(
    ("action", "reason"),
    [("revoke_selected", "cessationOfOperation"), ("revoke_compromised", "keyCompromise")],
)
def test_an_administrator_revokes_a_certificate(
    administrator: Client, issued: IssuedCertificate, action: str, reason: str
) -> None:
    act(administrator, ISSUED, action, issued)

    issued.refresh_from_db()
    assert (issued.state, issued.revocation_reason) == ("revoked", reason)
    assert CertificateAuthority.objects.get().crl_is_due


def test_the_button_sets_up_a_ca(administrator: Client, viewer: Client) -> None:
    page = reverse("admin:certificates_certificateauthority_changelist")
    add = reverse("admin:certificates_authorityrequest_add")
    assert add in administrator.get(page).content.decode()
    assert add not in viewer.get(page).content.decode()

    administrator.post(add, {"organization": "Acme", "name": "", "usage": "stations"})
    wish = AuthorityRequest.objects.get()
    assert (wish.organization, wish.state, wish.actor) == ("Acme", "waiting", "administrator")

    for number in range(30):
        answer = administrator.post(add, {"organization": f"Acme {number}", "usage": "stations"})
    assert "is it running?" in answer.content.decode()
    assert AuthorityRequest.objects.count() == 20


def test_an_administrator_retires_a_ca_and_an_external_one_stays_so(
    administrator: Client, operator: Client, issued: IssuedCertificate
) -> None:
    page, authority = "admin:certificates_certificateauthority_changelist", issued.authority
    act(operator, page, "retire_selected", authority)
    assert CertificateAuthority.objects.get().state == "active"

    act(administrator, page, "retire_selected", authority)
    assert CertificateAuthority.objects.get().state == "retired"
    act(administrator, page, "activate_selected", authority)
    assert CertificateAuthority.objects.get().state == "active"

    CertificateAuthority.objects.update(key_name="external-1", state="retired")
    answer = act(administrator, page, "activate_selected", authority)
    assert "external CA is not here" in answer.content.decode()
    assert CertificateAuthority.objects.get().state == "retired"
