"""HTTP Basic authentication of stations (security profiles 1 and 2), and their passwords.

Passwords are hashed with scrypt, which takes about ten milliseconds for each spelling. After a restart
thousands of stations reconnect at once (F40), so a hash is stored with a digest under a key derived from
SECRET_KEY. The digest confirms the right password in microseconds; a wrong one still costs the scrypt. An
attacker that has only the database has to break the scrypt. For a hash without a digest, or with one under an
earlier key, each process runs the scrypt once.
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

_COST, _BLOCK = 4096, 8
_PROCESS_KEY = secrets.token_bytes(32)
_REMEMBERED = 100_000  # equivalent: any number that bounds the memory of a process

# Failed attempts of one identity from one address, per minute. The real station at another address is not
# locked out.
MAX_FAILURES = 10
# Handshakes of one identity from one address, per minute. This slows down a station that reconnects without a
# back-off.
MAX_ARRIVALS = 60
# The kinds under which `live.state().recent` counts them.
FAILURE, ARRIVAL = "failure", "arrival"


def hash_password(plain: str | bytes) -> str:
    """A salted scrypt hash of a station's password, as stored."""
    salt = secrets.token_bytes(16)
    password = _bytes(plain)
    return f"scrypt${_COST}${salt.hex()}${_scrypt(password, salt, _COST).hex()}${_digest(password, salt)}"


def _digest(password: bytes, salt: bytes) -> str:
    """A keyed digest of 128 bits: secure, and short enough for the column."""
    # This salt is part of the stored digests, so it keeps the earlier name of this module.
    keyed = salted_hmac("chargepoints.authentication", salt + password, algorithm="sha256")
    text = base64.b64encode(keyed.digest()[:16]).decode()
    return text.rstrip("=")  # equivalent: the last letter of 16 bytes is A, Q, g or w


def _scrypt(password: bytes, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=cost, r=_BLOCK, p=1)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


# Compared with the password of a station without one, so that it takes as long as that of any other station.
_NO_PASSWORD = hash_password(secrets.token_bytes(16))

_verified: OrderedDict[bytes, None] = OrderedDict()


async def verify(stored: str, given: bytes) -> bool:
    """Whether a password fits a stored hash, in any of the spellings that stations use.

    They are: the password as it is, decoded from hex, encoded as hex (1.6 AuthorizationKey), and converted
    from latin-1 to UTF-8.
    """
    both = stored.encode() + b"\0" + given  # equivalent: any bytes that no stored hash contains
    digest = hmac.digest(_PROCESS_KEY, both, "sha256")
    if digest in _verified:
        _verified.move_to_end(digest)
        return True
    if stored and _fits_digest(stored, given):
        return True
    if not await asyncio.to_thread(_verify, stored or _NO_PASSWORD, given) or not stored:
        return False
    _verified[digest] = None  # equivalent: only the keys are read
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
    """User name and password of an Authorization header; None when the header is missing or malformed. The
    password is bytes and may contain colons.
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
    """Whether the user name is the identity (A00.FR.204). Some stations percent-encode it, as in the URL."""
    return identity.casefold() in (user.casefold(), unquote(user).casefold())
