"""The time-based one-time password of a QR code on the display of a station (2.1 C25, TOTP version 1).

The password of an interval is made of the HMAC-SHA256 of the interval's number, with the shared secret as the
key. Station and server make it without a message between them. This module is pure: no database, no clock.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final

_DIGITS: Final = "0123456789"
_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# OCPP 2.1 prints the alphabet of base 62 without the letter o, so stations may have either.
BASE_62: Final = _DIGITS + _LOWER + _UPPER
AS_PRINTED: Final = _DIGITS + _LOWER.replace("o", "") + _UPPER
ALPHABETS: Final = {"62": BASE_62, "61": AS_PRINTED}
_BYTES: Final = 8
# The clocks of station and server differ, and a driver takes a moment to scan.
_ACCEPTED: Final = (0, -1, 1)


def password(secret: str, interval: int, *, length: int, alphabet: str) -> str:
    """The password of an interval: the number of whole validity times since 1970."""
    digest = hmac.digest(secret.encode(), interval.to_bytes(_BYTES, "big"), sha256)
    offset = digest[-1] & 0x0F
    return "".join(
        alphabet[digest[(offset + place) % len(digest)] % len(alphabet)] for place in range(length)
    )


def interval_of(
    given: str, *, secret: str, now: float, validity_s: int, length: int, alphabet: str
) -> int | None:
    """The interval whose password was given: the current one at `now` (seconds since 1970), the previous or
    the next one. None for a wrong password. The time it takes does not depend on the password.
    """
    current, found = int(now) // validity_s, None
    for step in _ACCEPTED:
        interval = max(0, current + step)
        right = password(secret, interval, length=length, alphabet=alphabet)
        if hmac.compare_digest(given.encode(), right.encode()) and found is None:
            found = interval
    return found
