"""CAs: made, imported, backed up and restored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certificates.models import AuthorityRequest, CertificateAuthority, IssuedCertificate, TrustRoot
from certificates.signing import authorities, backup, building, servers, work
from certificates.signing.keys import KeyFiles, KeyUnusable
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.pki import parsing, paths
from tests.unit.certificates.csrs import ORGANIZATION, PASSPHRASE
from tests.unit.pki import made

pytestmark = pytest.mark.django_db


def row(name: str) -> CertificateAuthority:
    return CertificateAuthority.objects.get(name=f"{ORGANIZATION} {name}")


def certificate(name: str) -> x509.Certificate:
    return parsing.certificate(row(name).certificate, field="")


def test_a_root_and_issuing_cas_with_both_kinds_of_key_are_made_and_trusted(cas: KeyFiles) -> None:
    root, ecdsa, rsa_ca = certificate("Root"), certificate("Issuing ECDSA"), certificate("Issuing RSA")

    assert isinstance(ecdsa.public_key(), ec.EllipticCurvePublicKey)
    assert isinstance(rsa_ca.public_key(), rsa.RSAPublicKey)
    for issuing in (ecdsa, rsa_ca):
        issuing.verify_directly_issued_by(root)
        assert parsing.organization(issuing.subject) == ORGANIZATION
        assert issuing.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    trusted = TrustRoot.objects.get()
    assert (trusted.kind, trusted.source, trusted.sha256) == ("csms", "own", parsing.sha256(root))


def test_a_second_set_up_changes_nothing_and_another_organization_is_refused(cas: KeyFiles) -> None:
    before = list(CertificateAuthority.objects.values_list("sha256", flat=True)), cas.names()

    authorities.set_up(cas, organization=ORGANIZATION)
    with pytest.raises(Conflict, match="organization"):
        authorities.set_up(cas, organization="Another", name=ORGANIZATION)

    assert (list(CertificateAuthority.objects.values_list("sha256", flat=True)), cas.names()) == before


@pytest.mark.parametrize("organization", ["", "  ", "x" * 65, "A\x00B"])
def test_a_ca_needs_an_organization(store: KeyFiles, organization: str) -> None:
    with pytest.raises(Invalid):
        authorities.set_up(store, organization=organization)


def test_a_request_of_an_administrator_is_done_by_the_signer_with_its_result(store: KeyFiles) -> None:
    wish = AuthorityRequest.objects.create(organization=ORGANIZATION, name="Lab", usage="v2g", actor="ann")
    bad = AuthorityRequest.objects.create(organization="Another", name="Lab", usage="v2g", actor="ann")

    work.make_authorities(store)

    wish.refresh_from_db()
    bad.refresh_from_db()
    assert wish.state == "done" and wish.finished_at is not None
    assert bad.state == "failed" and "organization" in bad.reason
    assert TrustRoot.objects.get().kind == "v2g"
    assert store.names() == ["lab-v2g-issuing-ecdsa", "lab-v2g-root"]


def test_a_backup_restores_into_an_empty_folder_and_signs(cas: KeyFiles, tmp_path: Path) -> None:
    text = backup.export(cas, "the passphrase of a backup")
    assert "ENCRYPTED PRIVATE KEY" in text and "BEGIN PRIVATE KEY" not in text
    before = set(CertificateAuthority.objects.values_list("sha256", flat=True))
    TrustRoot.objects.all().delete()
    CertificateAuthority.objects.exclude(parent=None).delete()
    CertificateAuthority.objects.all().delete()
    empty = KeyFiles(tmp_path / "restored", PASSPHRASE)

    restored = backup.restore(empty, text, "the passphrase of a backup")

    assert {one.sha256 for one in restored} == before
    assert TrustRoot.objects.get().sha256 == row("Root").sha256
    signer = authorities.signer(empty, row("Issuing ECDSA"))
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    now = datetime.now(UTC)
    wanted = building.Leaf(building.name("CP-1", ORGANIZATION), key, now, timedelta(days=1))
    leaf = building.leaf(wanted, signer)
    paths.verify(leaf, [signer.certificate], [certificate("Root")], at=now + timedelta(seconds=1))


def test_a_backup_with_a_wrong_passphrase_changes_nothing(cas: KeyFiles, tmp_path: Path) -> None:
    text = backup.export(cas, PASSPHRASE)
    empty = KeyFiles(tmp_path / "restored", PASSPHRASE)

    with pytest.raises(KeyUnusable, match="wrong passphrase"):
        backup.restore(empty, text, "another passphrase of tests")
    with pytest.raises(Invalid, match="no backup"):
        backup.restore(empty, "{}", PASSPHRASE)
    with pytest.raises(KeyUnusable, match="20 characters"):
        backup.export(cas, "short")

    assert empty.names() == []


def test_a_backup_file_is_new_and_readable_by_its_user_alone(tmp_path: Path) -> None:
    backup.write(tmp_path / "backup", "text")

    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="exists"):
        backup.write(tmp_path / "backup", "other")


def test_an_existing_ca_is_imported_with_the_root_above_it(store: KeyFiles) -> None:
    root = made.make("Old Root", is_ca=True)
    issuing = made.make("Old Issuing", by=root, is_ca=True)

    taken = authorities.import_chain(
        store, [issuing.certificate, root.certificate], issuing.key, name="Old CA", usage="stations"
    )

    assert taken.parent is not None and taken.parent.name == "Old Root"
    assert authorities.signer(store, taken).certificate == issuing.certificate
    assert TrustRoot.objects.get().sha256 == parsing.sha256(root.certificate)


def test_a_chain_that_is_none_or_a_foreign_key_is_not_imported(store: KeyFiles) -> None:
    root, other = made.make("Root", is_ca=True), made.make("Other", is_ca=True)
    issuing = made.make("Issuing", by=root, is_ca=True)
    leaf = made.make("Leaf", by=root)

    for chain, key, word in (
        ([issuing.certificate, other.certificate], issuing.key, "not followed"),
        ([issuing.certificate], issuing.key, "not followed"),
        ([issuing.certificate, root.certificate], other.key, "not the key"),
        ([leaf.certificate, root.certificate], leaf.key, "no CA"),
    ):
        with pytest.raises(Invalid, match=word):
            authorities.import_chain(store, chain, key, name="CA", usage="stations")

    assert store.names() == [] and not CertificateAuthority.objects.exists()


def test_certificates_of_the_server_have_its_names_and_both_kinds_of_key(
    cas: KeyFiles, tmp_path: Path
) -> None:
    hosts = ["csms.example.com", "ocpp.example.com"]

    written = servers.issue(cas, hosts, tmp_path / "tls")

    assert [path.name for path in written] == ["server-ecdsa.pem", "server-rsa.pem"]
    for path in written:
        assert path.stat().st_mode & 0o777 == 0o600
        pem = path.read_text().partition("-----BEGIN PRIVATE KEY")[0]
        leaf, issuing = parsing.certificates(pem, field="")
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == hosts
        paths.verify(leaf, [issuing], [certificate("Root")], at=datetime.now(UTC))
    assert IssuedCertificate.objects.filter(type="server").count() == 2
    with pytest.raises(Invalid, match="host name"):
        servers.issue(cas, ["not a host"], tmp_path)


def test_without_a_ca_no_server_certificate_is_made(store: KeyFiles, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="pki init"):
        servers.issue(store, ["csms.example.com"], tmp_path)


def test_a_new_root_is_cross_signed_by_the_old_one_and_both_are_trusted(cas: KeyFiles) -> None:
    old = certificate("Root")

    root, ecdsa, _ = authorities.rotate(cas, name="Acme 2027")

    trusted = TrustRoot.objects.get(name="Acme 2027 Root")
    assert trusted.cross_signed_by == TrustRoot.objects.get(name=f"{ORGANIZATION} Root")
    crossed = parsing.certificate(trusted.cross_signed, field="")
    issuing = authorities.signer(cas, ecdsa)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    now = datetime.now(UTC)
    leaf = building.leaf(
        building.Leaf(building.name("CP-1", ORGANIZATION), key, now, timedelta(days=1)), issuing
    )
    at = now + timedelta(seconds=1)
    new = parsing.certificate(root.certificate, field="")
    assert parsing.organization(new.subject) == ORGANIZATION
    for chain, top in (([issuing.certificate], new), ([issuing.certificate, crossed], old)):
        assert paths.verify(leaf, chain, [top], at=at)[-1] == top
    with pytest.raises(Conflict, match="already"):
        authorities.rotate(cas, name="Acme 2027")


def test_without_a_key_of_a_root_there_is_no_rotation(store: KeyFiles) -> None:
    with pytest.raises(Conflict, match="no root"):
        authorities.rotate(store, name="Acme 2027")
