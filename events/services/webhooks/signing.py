"""Secrets and signatures by Standard Webhooks 1.0.0."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

from ocpp_server.encryption import Cipher

CIPHER: Final = Cipher("events.webhooks")
_PREFIX: Final = "whsec_"
# The specification: 24 to 64 random bytes.
_BYTES: Final = 32
_LEAST_BYTES, _MOST_BYTES = 24, 64


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The bytes of a secret. Raises ValueError for a text that is none."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("Must be whsec_ and base64.") from None
    if not secret.startswith(_PREFIX) or not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise ValueError(f"Must be whsec_ and {_LEAST_BYTES} to {_MOST_BYTES} bytes in base64.")
    return key


def signature(keys: Iterable[bytes], *, id: str, timestamp: int, body: bytes) -> str:
    """The value of webhook-signature: one signature for each key, with blanks between them."""
    signed = b".".join((id.encode(), str(timestamp).encode(), body))
    digests = (hmac.digest(key, signed, hashlib.sha256) for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
