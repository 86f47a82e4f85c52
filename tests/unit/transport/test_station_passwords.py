"""Passwords of stations: the stored hash, and the cost of a login."""

from __future__ import annotations

import base64
import hashlib
import time
from collections import OrderedDict

import pytest
from django.utils.crypto import salted_hmac

from chargepoints.models import ChargePoint
from ocpp_server.transport.handshake import authentication
from ocpp_server.transport.handshake.authentication import credentials, hash_password, is_user, verify

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


@pytest.mark.parametrize(
    ("password", "given"),
    [
        (b"secret-of-CP-7", b"secret-of-CP-7"),
        (b"secret-of-CP-7", b"secret-of-CP-7".hex().encode()),
        (b"jkl".hex().encode(), b"jkl"),
        (b"jkl".hex().upper().encode(), b"jkl"),
        ("é".encode(), "é".encode("latin-1")),
    ],
)
async def test_a_digest_of_an_earlier_release_is_still_accepted(password: bytes, given: bytes) -> None:
    """A scrypt for each station would take too long when all reconnect after the deployment (F40)."""
    salt = bytes(16)
    keyed = salted_hmac("chargepoints.authentication", salt + password, algorithm="sha256")
    digest = base64.b64encode(keyed.digest()[:16]).decode().rstrip("=")
    # The scrypt part cannot match: only the digest can confirm the password.
    stored = f"scrypt$4096${salt.hex()}${bytes(64).hex()}${digest}"

    assert await verify(stored, given)
    assert not await verify(stored, b"another")


# --- the stored text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", ["Grüße", "Grüße".encode()])
def test_a_stored_hash_is_a_scrypt_of_the_documented_cost_and_a_digest(plain: str | bytes) -> None:
    password = "Grüße".encode()

    kind, cost, salt, hashed, digest = hash_password(plain).split("$")

    given = bytes.fromhex(salt)
    keyed = salted_hmac("chargepoints.authentication", given + password, algorithm="sha256").digest()
    assert (kind, cost, len(given)) == ("scrypt", "4096", 16)
    assert hashed == hashlib.scrypt(password, salt=given, n=4096, r=8, p=1).hex()
    assert digest == base64.b64encode(keyed[:16]).decode().rstrip("=")


async def test_the_cost_of_a_stored_hash_counts_and_not_the_present_one() -> None:
    salt = bytes(range(16))
    stored = f"scrypt$2048${salt.hex()}${hashlib.scrypt(PASSWORD, salt=salt, n=2048, r=8, p=1).hex()}"

    assert await verify(stored, PASSWORD)
    assert not await verify(stored, b"wrong")


@pytest.mark.parametrize("has_digest", [True, False])
@pytest.mark.parametrize(
    ("password", "given", "fits"),
    [
        (b"charge", b"charge", True),
        (b"charge", b"636861726765", True),  # encoded as hex by the station
        (b"636861726765", b"charge", True),  # 1.6: the key was configured as hex, and is sent decoded
        (b"6A6B6C", b"jkl", True),
        (b"6a6b6c", b"jkl", True),
        ("Grüße".encode(), "Grüße".encode("latin-1"), True),
        ("Grüße".encode(), "Grüße".encode(), True),
        (b"charge", b"Charge", False),
        (b"charge", b"charge ", False),
        (b"charge", b"", False),
        (b"charge", b"63686172676", False),
    ],
)
async def test_the_spellings_of_a_password(
    password: bytes, given: bytes, fits: bool, has_digest: bool
) -> None:
    stored = hash_password(password)

    found = await verify(stored if has_digest else stored.rpartition("$")[0], given)

    assert found is fits


async def test_the_memory_of_verified_passwords_is_bounded_and_keeps_those_that_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(authentication, "_REMEMBERED", 2)
    monkeypatch.setattr(authentication, "_verified", OrderedDict())
    hashes = [hash_password(PASSWORD).rpartition("$")[0] for _ in range(3)]

    for used in (0, 1, 0, 2):
        assert await verify(hashes[used], PASSWORD)
    monkeypatch.setattr(authentication, "_verify", lambda stored, given: False)

    assert [await verify(each, PASSWORD) for each in hashes] == [True, False, True]


async def test_a_password_that_was_verified_for_one_station_fits_no_other() -> None:
    one, other = (hash_password(password).rpartition("$")[0] for password in (PASSWORD, b"other"))

    assert await verify(one, PASSWORD)
    assert not await verify(other, PASSWORD)
    assert not await verify(one, PASSWORD + b"x")


@pytest.mark.parametrize("given", [b"jkl", b"6a6b6c", b"xyz", b"\xff", b""])
async def test_a_wrong_password_costs_the_same_in_every_spelling(
    monkeypatch: pytest.MonkeyPatch, given: bytes
) -> None:
    costs: list[bytes] = []

    def counted(password: bytes, salt: bytes, cost: int) -> bytes:
        costs.append(password)
        return b""

    stored = hash_password(PASSWORD)
    monkeypatch.setattr(authentication, "_scrypt", counted)

    assert not await verify(stored, given)
    assert len(costs) == 5


# --- the header ---------------------------------------------------------------------------------------------


def basic(content: bytes, scheme: bytes = b"Basic ") -> bytes:
    return scheme + base64.b64encode(content)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        (b"", None),
        (b"Basic", None),
        (b"Basic ", None),
        (b"Bearer eDp5", None),
        (b"Basic:eDp5", None),
        (basic(b"CP-1:secret"), ("CP-1", b"secret")),
        (basic(b"CP-1:secret", b"BASIC "), ("CP-1", b"secret")),
        (basic(b"CP-1:secret", b"basic   ") + b" ", ("CP-1", b"secret")),
        (basic(b"CP-1:a:b:"), ("CP-1", b"a:b:")),
        (basic(b":secret"), ("", b"secret")),
        (basic(b"CP-1:\xff\x00"), ("CP-1", b"\xff\x00")),
        (basic(b"\xff:secret"), ("\ufffd", b"secret")),
        (basic("Köln:secret".encode()), ("Köln", b"secret")),
        (basic(b"CP-1:"), None),
        (basic(b"CP-1"), None),
        (basic(b""), None),
        (b"Basic Q1AtMTpzZWNyZXQ", None),  # without its padding
        (b"Basic Q1At*MTpzZWNyZXQ=", None),  # a character that is not of base64
    ],
)
def test_the_credentials_of_a_header(header: bytes | None, found: tuple[str, bytes] | None) -> None:
    assert credentials(header) == found


@pytest.mark.parametrize(
    ("user", "identity", "fits"),
    [
        ("CP-1", "CP-1", True),
        ("cp-1", "CP-1", True),
        ("CP-1", "cp-1", True),
        ("CP%201", "CP 1", True),
        ("K%C3%96LN", "köln", True),
        ("CP%201", "CP%201", True),
        ("CP-2", "CP-1", False),
        ("", "CP-1", False),
        ("CP-1 ", "CP-1", False),
    ],
)
def test_the_user_name_is_the_identity_in_any_case_and_may_be_encoded(
    user: str, identity: str, fits: bool
) -> None:
    assert is_user(user, identity) is fits
