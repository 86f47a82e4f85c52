"""The one-time password of a QR code (2.1 C25)."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from tariffs.services.payment.totp import ALPHABETS, AS_PRINTED, BASE_62, interval_of, password

SECRET = "mysharedsecret"
# 2026-11-30T08:00:00Z, in intervals of 30 s.
NOW, VALIDITY_S = 1_796_025_600, 30
INTERVAL = NOW // VALIDITY_S


def test_the_alphabets() -> None:
    assert ALPHABETS == {"62": BASE_62, "61": AS_PRINTED}
    assert BASE_62 == "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert AS_PRINTED == "0123456789abcdefghijklmnpqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("alphabet", [BASE_62, AS_PRINTED])
@pytest.mark.parametrize("length", [1, 8, 16, 32, 40])
def test_a_password_follows_the_text_of_the_specification(alphabet: str, length: int) -> None:
    """The steps of the specification, each on its own."""
    for interval in range(INTERVAL, INTERVAL + 40):
        message = bytes([0, 0, 0, 0]) + interval.to_bytes(4, "big")
        hashed = hmac.new(SECRET.encode("utf-8"), message, hashlib.sha256).digest()
        offset = hashed[31] % 16
        wanted = ""
        for place in range(length):
            wanted += alphabet[hashed[(offset + place) % 32] % len(alphabet)]

        assert password(SECRET, interval, length=length, alphabet=alphabet) == wanted


def test_the_secret_is_utf_8() -> None:
    made = password("Schlüssel", 1, length=8, alphabet=BASE_62)
    key = bytes.fromhex("5363686cc3bc7373656c")

    hashed = hmac.new(key, bytes(7) + b"\x01", hashlib.sha256).digest()
    assert made[0] == BASE_62[hashed[hashed[-1] & 15] % 62]


@pytest.mark.parametrize("alphabet", [BASE_62, AS_PRINTED])
@pytest.mark.parametrize(
    ("step", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False), (-100, False)]
)
def test_the_previous_the_current_and_the_next_interval_count(
    alphabet: str, step: int, is_right: bool
) -> None:
    given = password(SECRET, INTERVAL + step, length=8, alphabet=alphabet)
    how = {"secret": SECRET, "now": NOW, "validity_s": VALIDITY_S, "length": 8, "alphabet": alphabet}

    assert interval_of(given, **how) == (INTERVAL + step if is_right else None)
    assert interval_of(given, **how | {"now": NOW + VALIDITY_S - 0.001}) == interval_of(given, **how)


@pytest.mark.parametrize("wrong", ["", "x", "0" * 8, "ä" * 8, "\0" * 8, "0" * 100_000])
def test_anything_else_is_wrong(wrong: str) -> None:
    how = {"secret": SECRET, "now": NOW, "validity_s": VALIDITY_S, "alphabet": BASE_62}
    right = password(SECRET, INTERVAL, length=8, alphabet=BASE_62)

    assert interval_of(wrong, length=8, **how) is None
    assert interval_of(right[:7], length=8, **how) is None
    assert interval_of(right + "0", length=8, **how) is None
    assert interval_of(right, length=8, **how | {"secret": "othersharedsecret"}) is None
    # Nine characters of the same interval are another password.
    assert interval_of(right, length=9, **how) is None


def test_a_clock_at_the_begin_of_time_has_no_interval_before() -> None:
    given = password(SECRET, 0, length=8, alphabet=BASE_62)

    assert interval_of(given, secret=SECRET, now=5, validity_s=30, length=8, alphabet=BASE_62) == 0
