"""Revoked certificates and revocation lists of other CAs in the admin."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from certificates.models import RevocationList, RevokedCertificate
from certificates.services.certificates import roots
from ocpp_server.pki import parsing
from tests.api.certificates.test_revocations import LEAF, MAKER, SUB, crl, text_of

ADD = "admin:certificates_revokedcertificate_add"
ADD_LIST = "admin:certificates_revocationlist_add"


def test_a_certificate_is_revoked_and_allowed_again(superuser: Client) -> None:
    form = {"certificate": parsing.pem_of(LEAF.certificate), "reason": "superseded", "note": "Old."}

    response = superuser.post(reverse(ADD), form)
    again = superuser.post(reverse(ADD), form)

    row = RevokedCertificate.objects.get()
    assert (response.status_code, row.reason, row.subject) == (302, "superseded", "CN=SN-1,O=Maker")
    assert "on the list already" in again.content.decode()
    delete = reverse("admin:certificates_revokedcertificate_delete", args=[row.pk])
    assert superuser.post(delete, {"post": "yes"}).status_code == 302
    assert not RevokedCertificate.objects.exists()


def test_a_bad_certificate_is_refused_at_its_field(superuser: Client) -> None:
    response = superuser.post(reverse(ADD), {"certificate": "x", "reason": "superseded", "note": ""})

    assert (response.status_code, RevokedCertificate.objects.count()) == (200, 0)
    assert list(response.context["adminform"].form.errors) == ["certificate"]


def test_a_list_is_added_and_renamed(superuser: Client) -> None:
    roots.add(kind="manufacturer", certificate=parsing.pem_of(MAKER.certificate))
    form = {"name": "Maker", "url": "", "crl": text_of(crl(SUB, 5)), "issuer_certificate": ""}

    wrong = superuser.post(reverse(ADD_LIST), form)
    form["issuer_certificate"] = parsing.pem_of(SUB.certificate)
    response = superuser.post(reverse(ADD_LIST), form)

    row = RevocationList.objects.get()
    assert list(wrong.context["adminform"].form.errors) == ["crl"]
    assert (response.status_code, row.name, row.entries) == (302, "Maker", 1)
    page = reverse("admin:certificates_revocationlist_change", args=[row.pk])
    assert superuser.post(page, {"name": "Maker CA", "url": "http://ca.example.com/x"}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.url, row.entries) == ("Maker CA", "http://ca.example.com/x", 1)
    assert superuser.post(
        reverse("admin:certificates_revocationlist_delete", args=[row.pk]), {"post": "yes"}
    ).status_code == 302  # fmt: skip


def test_a_viewer_changes_nothing(viewer: Client) -> None:
    assert viewer.get(reverse(ADD)).status_code == 403
    assert viewer.post(reverse(ADD_LIST), {}).status_code == 403
