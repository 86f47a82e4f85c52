"""HTTP Basic authentication of stations (security profiles 1 and 2), and their passwords.

Hashes are scrypt with parameters that cost some ten milliseconds for each spelling. After a restart thousands
of stations reconnect at once (F40), so a hash is followed by a digest under a key derived from SECRET_KEY:
the digest confirms the right password in microseconds, and a wrong one still costs the scrypt. An attacker
with the database alone has to break the scrypt. A hash without a digest, or with one under an earlier key,
costs the scrypt once in each process.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from urllib.parse import unquote

from django.utils.crypto import salted_hmac

_COST, _BLOCK = 2**12, 8
_PROCESS_KEY = secrets.token_bytes(32)
_REMEMBERED = 100_000

# Failures of one identity from one address, per minute. The real station at another address is not locked
# out.
MAX_FAILURES = 10
# Handshakes of one identity from one address, per minute: this slows down a station without any back-off.
MAX_ARRIVALS = 60
# The kinds under which `live.state().recent` counts them.
FAILURE, ARRIVAL = "failure", "arrival"


def hash_password(plain: str | bytes) -> str:
    """A salted scrypt hash of a station's password, as stored."""
    salt = secrets.token_bytes(16)
    password = _bytes(plain)
    return f"scrypt${_COST}${salt.hex()}${_scrypt(password, salt, _COST).hex()}${_digest(password, salt)}"


def _digest(password: bytes, salt: bytes) -> str:
    """A digest of 128 bits, which fits into the column and is long enough."""
    # The name is stored in the digests: it stays, wherever this module moves.
    keyed = salted_hmac("chargepoints.authentication", salt + password, algorithm="sha256")
    return base64.b64encode(keyed.digest()[:16]).decode().rstrip("=")


def _scrypt(password: bytes, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=cost, r=_BLOCK, p=1)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


# Unknown identities cost as much time as known ones.
_UNKNOWN = hash_password(secrets.token_bytes(16))

_verified: OrderedDict[bytes, None] = OrderedDict()


async def verify(stored: str, given: bytes) -> bool:
    """Whether a password fits a stored hash, in any of the spellings that stations use.

    As given, as the bytes its hex text means, as the hex text of the bytes given (1.6 AuthorizationKey), and
    latin-1 for UTF-8.
    """
    digest = hmac.digest(_PROCESS_KEY, stored.encode() + b"\0" + given, "sha256")
    if digest in _verified:
        _verified.move_to_end(digest)
        return True
    if stored and _fits_digest(stored, given):
        return True
    if not await asyncio.to_thread(_verify, stored or _UNKNOWN, given) or not stored:
        return False
    _verified[digest] = None
    if len(_verified) > _REMEMBERED:
        _verified.popitem(last=False)
    return True


def _fits_digest(stored: str, given: bytes) -> bool:
    _, _, salt, _, *expected = stored.split("$")
    fits = False
    for spelling in _spellings(given) if expected else ():
        fits |= hmac.compare_digest(_digest(spelling, bytes.fromhex(salt)), expected[0])
    return fits


def _verify(stored: str, given: bytes) -> bool:
    _, cost, salt, expected = stored.split("$")[:4]
    fits = False
    for spelling in _spellings(given):
        found = _scrypt(spelling, bytes.fromhex(salt), int(cost)).hex()
        # No early return: the time must not reveal which spelling fits.
        fits |= hmac.compare_digest(found, expected)
    return fits


def _spellings(given: bytes) -> list[bytes]:
    spellings = [given, given.hex().encode(), given.hex().upper().encode(), given.decode("latin-1").encode()]
    try:
        spellings.append(bytes.fromhex(given.decode("ascii")))
    except ValueError:
        spellings.append(given)
    return spellings


def credentials(header: bytes | None) -> tuple[str, bytes] | None:
    """User name and password of an Authorization header; the password is bytes and may hold colons. None
    when unusable.
    """
    if header is None or header[:6].lower() != b"basic ":
        return None
    try:
        user, colon, password = base64.b64decode(header[6:].strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    if not colon or not password:
        return None
    return user.decode("utf-8", "replace"), password


def is_user(user: str, identity: str) -> bool:
    """Whether the user name is the identity (A00.FR.204), which some stations percent-encode here as in the
    URL.
    """
    return identity.casefold() in (user.casefold(), unquote(user).casefold())
