"""CAs of tests with their keys, and the journal and stations without sockets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from certificates.signing import authorities, keys
from certificates.signing.keys import Key, KeyFiles
from tests.direct.fixtures import engine, run_orm, station
from tests.unit.certificates.csrs import ORGANIZATION, PASSPHRASE, rsa_key

__all__ = ["cas", "engine", "run_orm", "station", "store"]

_made = keys.made


@cache
def _rsa(number: int) -> Key:
    return rsa_key.__wrapped__()


@pytest.fixture
def store(tmp_path: Path) -> KeyFiles:
    """An empty store of keys."""
    return KeyFiles(tmp_path / "signer", PASSPHRASE)


@pytest.fixture
def cas(store: KeyFiles, db: None, monkeypatch: pytest.MonkeyPatch) -> KeyFiles:
    """The store with the keys of a root and two issuing CAs. Their RSA keys are made once for all tests."""
    numbers = iter(range(9))
    monkeypatch.setattr(keys, "made", lambda kind: _rsa(next(numbers)) if kind == keys.RSA else _made(kind))
    authorities.set_up(store, organization=ORGANIZATION)
    return store
