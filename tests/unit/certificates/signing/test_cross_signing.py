"""The cross-signed form of a new root of ours, made by the signer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from certificates.models import CertificateAuthority, TrustRoot
from certificates.services.certificates import roots
from certificates.signing import authorities, work
from certificates.signing.keys import KeyFiles
from ocpp_server.domain import Invalid
from ocpp_server.pki import parsing, paths
from tests.unit.certificates.csrs import ORGANIZATION
from tests.unit.pki import made

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def both(cas: KeyFiles) -> tuple[TrustRoot, TrustRoot]:
    """The root in use, and a new one."""
    authorities.set_up(cas, organization=ORGANIZATION, name="New", root_key="ecdsa")
    old, new = TrustRoot.objects.order_by("pk")
    return old, new


def read(pem: str) -> x509.Certificate:
    return parsing.certificate(pem, field="")


def test_the_signer_makes_the_form_by_which_old_stations_trust_the_new_cas(
    cas: KeyFiles, both: tuple[TrustRoot, TrustRoot]
) -> None:
    old, new = both
    roots.change(new, cross_signed_by_id=old.pk)
    assert (new.cross_signed, new.cross_signed_by) == ("", old)  # waits for the signer

    assert work.once(cas) >= 1

    new.refresh_from_db()
    crossed, own = read(new.cross_signed), read(new.certificate)
    assert (crossed.subject, crossed.issuer) == (own.subject, read(old.certificate).subject)
    assert crossed.public_key() == own.public_key()
    assert roots.check_cross_signed(new, new.cross_signed)[1] == old
    # A certificate below the new root leads to the old one, over the cross-signed form.
    issuing = CertificateAuthority.objects.get(name="New Issuing ECDSA")
    signer = authorities.signer(cas, issuing)
    leaf = made.make("Server", by=made.Made(signer.certificate, signer.key)).certificate
    path = paths.verify(leaf, [signer.certificate, crossed], [read(old.certificate)], at=NOW)
    assert path[-1] == read(old.certificate)
    assert work.cross_signing.sign_waiting(cas) == 0


def test_a_root_without_a_key_at_the_signer_waits_no_more(
    cas: KeyFiles, both: tuple[TrustRoot, TrustRoot]
) -> None:
    old, new = both
    CertificateAuthority.objects.filter(pk=old.authority_id).update(key_name="elsewhere")
    roots.change(new, cross_signed_by_id=old.pk)

    work.once(cas)

    new.refresh_from_db()
    assert (new.cross_signed, new.cross_signed_by) == ("", None)


def test_the_signer_signs_only_valid_roots_of_ours(cas: KeyFiles, both: tuple[TrustRoot, TrustRoot]) -> None:
    """It trusts no check of the web process."""
    old, new = both
    foreign = roots.add(kind="csms", certificate=parsing.pem_of(made.make("F", is_ca=True).certificate))
    for row, by in ((foreign, old), (new, foreign)):
        TrustRoot.objects.filter(pk=row.pk).update(cross_signed_by=by)
        work.once(cas)
        row.refresh_from_db()
        assert (row.cross_signed, row.cross_signed_by) == ("", None)
    TrustRoot.objects.filter(pk=old.pk).update(not_after=NOW - timedelta(days=1))
    TrustRoot.objects.filter(pk=new.pk).update(cross_signed_by=old)
    work.once(cas)
    new.refresh_from_db()
    assert (new.cross_signed, new.cross_signed_by) == ("", None)


def test_what_can_not_be_asked_for(both: tuple[TrustRoot, TrustRoot]) -> None:
    old, new = both
    foreign = roots.add(kind="csms", certificate=parsing.pem_of(made.make("F", is_ca=True).certificate))

    for row, number in ((foreign, old.pk), (new, foreign.pk), (new, new.pk), (new, 999_999)):
        with pytest.raises(Invalid) as caught:
            roots.change(row, cross_signed_by_id=number)
        assert caught.value.field == "crossSignedById"
    with pytest.raises(Invalid):
        roots.change(new, cross_signed=new.certificate, cross_signed_by_id=old.pk)
