"""Fingerprints recognise a repeated message, even under another message id."""

from __future__ import annotations

import hashlib


def fingerprint(*values: object) -> str:
    """32 hexadecimal digits: a hash of the values that identify a message."""
    return hashlib.blake2b("|".join(map(str, values)).encode(), digest_size=16).hexdigest()
