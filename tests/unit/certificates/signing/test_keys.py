"""The keys of CAs: encrypted files that only their user can read, and other stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certificates.signing import authorities, keys
from certificates.signing.keys import KeyFiles, KeyUnusable
from docs.examples import key_store
from tests.unit.certificates.csrs import PASSPHRASE


def test_a_key_is_an_encrypted_file_that_only_its_user_can_read(store: KeyFiles, tmp_path: Path) -> None:
    made = store.create("root", keys.ECDSA)

    file = tmp_path / "signer" / "root.pem"
    assert file.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert store.key("root").public_key() == made.public_key()
    assert store.names() == ["root"]


def test_a_wrong_passphrase_opens_no_key_and_is_not_in_the_reason(store: KeyFiles, tmp_path: Path) -> None:
    store.create("root", keys.ECDSA)
    other = KeyFiles(tmp_path / "signer", "another passphrase of tests")

    with pytest.raises(KeyUnusable, match="wrong passphrase") as refused:
        other.key("root")

    assert "another passphrase" not in str(refused.value)


def test_a_key_is_never_replaced(store: KeyFiles) -> None:
    first = store.create("root", keys.ECDSA)

    with pytest.raises(KeyUnusable, match="already"):
        store.create("root", keys.ECDSA)
    with pytest.raises(KeyUnusable, match="another key"):
        store.put("root", ec.generate_private_key(ec.SECP256R1()))
    store.put("root", first)

    assert store.key("root").public_key() == first.public_key()


@pytest.mark.parametrize("name", ["../root", "Root", "", "a/b"])
def test_a_name_never_leaves_the_folder(store: KeyFiles, name: str) -> None:
    with pytest.raises(KeyUnusable, match="small letters"):
        store.create(name, keys.ECDSA)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="20 characters"):
        KeyFiles(tmp_path, "short")


def test_the_passphrase_comes_from_the_file_before_the_environment(settings: Any, tmp_path: Path) -> None:
    settings.SIGNER_PASSPHRASE, settings.SIGNER_PASSPHRASE_FILE = "", None
    with pytest.raises(KeyUnusable, match="SIGNER_PASSPHRASE_FILE"):
        keys.passphrase()

    settings.SIGNER_PASSPHRASE = PASSPHRASE
    assert keys.passphrase() == PASSPHRASE

    settings.SIGNER_PASSPHRASE_FILE = tmp_path / "passphrase"
    with pytest.raises(KeyUnusable, match="can't be read"):
        keys.passphrase()
    (tmp_path / "passphrase").write_text("the passphrase of the file\n")
    assert keys.passphrase() == "the passphrase of the file"


@pytest.mark.django_db
def test_another_key_store_signs_without_giving_its_keys_away(settings: Any) -> None:
    settings.SIGNER_KEY_STORE = "docs.examples.key_store.open_store"
    key_store.DEVICE.clear()

    store = keys.open_store()
    root, issuing, *_ = authorities.set_up(store, organization="Acme", usage="v2g")

    signer = authorities.signer(store, issuing)
    signer.certificate.verify_directly_issued_by(authorities.signer(store, root).certificate)
    with pytest.raises(KeyUnusable, match="own means"):
        keys.sealed(signer.key, PASSPHRASE.encode())


def test_a_key_store_that_fails_is_named_without_its_text(settings: Any) -> None:
    settings.SIGNER_KEY_STORE = "docs.examples.key_store.no_such_function"

    with pytest.raises(KeyUnusable, match=r"SIGNER_KEY_STORE: .*ImportError"):
        keys.open_store()
