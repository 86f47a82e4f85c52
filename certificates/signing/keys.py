"""Keys of CAs: the port for key stores, and the store in encrypted files.

Another store is named by SIGNER_KEY_STORE: a function without arguments that returns a `KeyStore`. Its keys
only have to sign: an HSM behind PKCS#11 fits as a class with the methods `sign` and `public_key` of
`cryptography`'s EllipticCurvePrivateKey or RSAPrivateKey; see docs/examples/key_store.py.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.utils.module_loading import import_string

ECDSA, RSA = "ecdsa", "rsa"
RSA_BITS: Final = 3072
SHORTEST_PASSPHRASE: Final = 20

# RSA and ECDSA; another store may return an object with the same methods.
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_ENDING: Final = ".pem"


class KeyUnusable(Exception):  # noqa: N818 - named for what happened
    """The key is missing, its passphrase is wrong, or the store refuses. `str(error)` is a sentence without
    anything of the key or the passphrase.
    """


class KeyStore(Protocol):
    """A place for CA keys. Each method raises KeyUnusable when the key or the store can't be used."""

    def names(self) -> Sequence[str]:
        """The names of the keys that are there."""

    def key(self, name: str) -> Key:
        """The key of this name, for signing."""

    def create(self, name: str, key_type: str) -> Key:
        """Make a key, `ecdsa` (P-256) or `rsa` (3,072 bits), and keep it under this name."""

    def put(self, name: str, key: Key) -> None:
        """Keep an existing key under this name; a second time the same key changes nothing."""


class KeyFiles:
    """Keys as encrypted PKCS#8 files (mode 600) in a folder of their own (mode 700)."""

    def __init__(self, folder: Path, passphrase: str) -> None:
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise KeyUnusable(
                f"The passphrase of the CA keys needs at least {SHORTEST_PASSPHRASE} characters."
            )
        self._folder = folder
        self._passphrase = passphrase.encode()

    def names(self) -> list[str]:
        return sorted(path.name.removesuffix(_ENDING) for path in self._folder.glob(f"*{_ENDING}"))

    def key(self, name: str) -> Key:
        try:
            return opened(self._path(name).read_bytes(), self._passphrase, name)
        except FileNotFoundError:
            raise KeyUnusable(f"There is no key {name} in {self._folder}.") from None
        except OSError as error:
            raise KeyUnusable(f"The key {name} can't be read ({error.strerror}).") from None

    def create(self, name: str, key_type: str) -> Key:
        key = made(key_type)
        self._write(name, key)
        return key

    def put(self, name: str, key: Key) -> None:
        if name not in self.names():
            self._write(name, key)
        elif self.key(name).public_key() != key.public_key():
            raise KeyUnusable(f"There is another key {name} in {self._folder}.")

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise KeyUnusable("The name of a key has small letters, digits and dashes only.")
        return self._folder / f"{name}{_ENDING}"

    def _write(self, name: str, key: Key) -> None:
        """Write a draft, then link it to its name: no half-written key, and no key is ever replaced."""
        path = self._path(name)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._folder.stat().st_mode & 0o077:
                # A mounted volume may belong to another user; the files have mode 600 anyway.
                with contextlib.suppress(PermissionError):
                    self._folder.chmod(0o700)
            handle, draft = tempfile.mkstemp(dir=self._folder, prefix=".key-")  # with mode 600
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(sealed(key, self._passphrase))
                    file.flush()
                    os.fsync(file.fileno())
                os.link(draft, path)
            finally:
                os.unlink(draft)
        except FileExistsError:
            raise KeyUnusable(f"There is a key {name} in {self._folder} already.") from None
        except OSError as error:
            raise KeyUnusable(f"The key {name} can't be written ({error.strerror}).") from None


def made(key_type: str) -> Key:
    """A new key of this type."""
    if key_type == RSA:
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return ec.generate_private_key(ec.SECP256R1())


def sealed(key: Key, passphrase: bytes) -> bytes:
    """The key as encrypted PKCS#8 in PEM. Raises KeyUnusable for a key that does not leave its store."""
    try:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
    except (AttributeError, NotImplementedError):
        raise KeyUnusable(
            "This key store does not give its keys away: back it up by its own means."
        ) from None


def opened(pem: bytes, passphrase: bytes | None, name: str) -> Key:
    """The key of a PEM text. Raises KeyUnusable; the reason names neither the passphrase nor the key."""
    try:
        key = load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError):
        raise KeyUnusable(f"The key {name} can't be decrypted: wrong passphrase, or no key.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise KeyUnusable(f"The key {name} is neither RSA nor ECDSA.")
    return key


def key_type_of(key: Any) -> str:
    """`rsa` or `ecdsa`, of a public or a private key."""
    return RSA if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey) else ECDSA


def passphrase() -> str:
    """The passphrase of the settings, from the file first. Raises KeyUnusable if there is none."""
    path: Path | None = settings.SIGNER_PASSPHRASE_FILE
    if path is None:
        if not settings.SIGNER_PASSPHRASE:
            raise KeyUnusable(
                "SIGNER_PASSPHRASE_FILE: the signer needs the passphrase of the CA keys; name a file with at "
                f"least {SHORTEST_PASSPHRASE} random characters."
            )
        return str(settings.SIGNER_PASSPHRASE)
    return read_passphrase(path, "SIGNER_PASSPHRASE_FILE")


def read_passphrase(path: Path, setting: str) -> str:
    """The passphrase in a file, without the end of its line. Raises KeyUnusable."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise KeyUnusable(f"{setting}: the file {path} can't be read ({reason}).") from None


def open_store() -> KeyStore:
    """The key store of the settings. Raises KeyUnusable."""
    if not settings.SIGNER_KEY_STORE:
        return KeyFiles(settings.SIGNER_DIR, passphrase())
    try:
        opener: Callable[[], KeyStore] = import_string(settings.SIGNER_KEY_STORE)
        return opener()
    except KeyUnusable:
        raise
    except Exception as error:
        # The text of a foreign exception may repeat a PIN.
        raise KeyUnusable(
            f"SIGNER_KEY_STORE: the key store can't be opened ({type(error).__name__})."
        ) from None
