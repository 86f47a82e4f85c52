"""Passwords of stations: the stored hash, and the cost of a login."""

from __future__ import annotations

import base64
import time

import pytest
from django.utils.crypto import salted_hmac

from chargepoints.models import ChargePoint
from ocpp_server.transport.handshake.authentication import hash_password, verify

PASSWORD = b"0123456789abcdef"


async def test_F40_the_first_login_after_a_restart_costs_no_password_hashing() -> None:
    began = time.process_time()
    stored = [hash_password(PASSWORD) for _ in range(40)]
    hashed = time.process_time()

    fits = [await verify(each, PASSWORD) for each in stored]

    assert all(fits)
    # One scrypt takes eight milliseconds on a fast machine, and each spelling of a password would need one.
    assert time.process_time() - hashed < (hashed - began) / 4


@pytest.mark.parametrize("given", [PASSWORD, PASSWORD.hex().encode(), PASSWORD.hex().upper().encode()])
async def test_every_spelling_of_a_password_is_accepted(given: bytes) -> None:
    assert await verify(hash_password(PASSWORD), given)
    assert not await verify(hash_password(PASSWORD), given + b"0")


async def test_hashes_of_another_secret_key_or_an_earlier_release_are_verified_slowly(
    settings: object,
) -> None:
    stored = hash_password(PASSWORD)
    before = stored.rpartition("$")[0]

    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]

    for each in (stored, before):
        assert await verify(each, PASSWORD)
        assert not await verify(each, b"wrong")


async def test_a_station_without_a_password_accepts_none() -> None:
    assert not await verify("", PASSWORD)
    assert not await verify("", b"")


def test_a_hash_fits_its_column_and_contains_neither_password_nor_key() -> None:
    one, other = hash_password(PASSWORD), hash_password(PASSWORD)

    column = ChargePoint._meta.get_field("password_hash")
    assert column.max_length is not None and len(one) <= column.max_length
    assert not set(one.split("$")[2:]) & set(other.split("$")[2:])
    assert PASSWORD.decode() not in one


async def test_a_verified_password_without_a_digest_is_cached() -> None:
    before = hash_password(PASSWORD).rpartition("$")[0]
    began = time.process_time()
    await verify(before, PASSWORD)
    hashed = time.process_time()

    assert await verify(before, PASSWORD)

    assert time.process_time() - hashed < (hashed - began) / 4


async def test_a_digest_of_an_earlier_release_is_still_accepted() -> None:
    """A scrypt for each station would take too long when all reconnect after the deployment (F40)."""
    salt = bytes(16)
    keyed = salted_hmac("chargepoints.authentication", salt + b"secret-of-CP-7", algorithm="sha256")
    digest = base64.b64encode(keyed.digest()[:16]).decode().rstrip("=")
    # The scrypt part cannot match: only the digest can confirm the password.
    stored = f"scrypt$4096${salt.hex()}${bytes(64).hex()}${digest}"

    assert await verify(stored, b"secret-of-CP-7")
    assert not await verify(stored, b"another")
